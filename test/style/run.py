#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The suite `style`: what of the house style a machine can see. run.py BUILD-DIRECTORY [CHECK…]

Each check is a function below, made of what CONTRIBUTING.md and lib/README.md say. It yields findings (place, text); a place is a
path, with ":function" where the check is about functions. Findings listed in test/style/exceptions are forgiven.
Writes one line a check, "ok CHECK" or "not ok CHECK: PLACE: TEXT" for each finding.
"""
import fnmatch
import json
import os
import re
import subprocess
import sys

import tables

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = sys.argv[1] if len(sys.argv) > 1 else "build/gcc"

LAYERS = {"util": 0, "wire": 1, "transport": 2, "media": 2, "peer": 3, "api": 4, "extra": 0.5}  # a layer sees itself and lower ones
OWNERS = {  # header → the only files of lib/ that may include it
    r"(glib|gio|nice|agent|stun|gobject)\b.*": ["lib/transport/ice_nice*.[ch]"],
    r"openssl/.*": ["lib/transport/dtls*.[ch]", "lib/transport/cert*.c", "lib/transport/srtp_gcm.c", "lib/transport/turn_tls_stream.[ch]", "lib/util/rand.c", "lib/wire/sframe.c", "lib/extra/http.c"],
    r"usrsctp\.h": ["lib/transport/sctp*.[ch]"],
    r"ares\.h": ["lib/transport/resolver.c"],
    r"srtp2/.*": ["lib/transport/srtp*.[ch]"],
    r"seccomp\.h": ["lib/extra/isolate_cage.c"],
    r"opus/.*": ["lib/extra/audio*.c", "lib/extra/playout*.[ch]"],
    r"curl/.*": ["lib/extra/http.c"],
    r"sys/epoll\.h|sys/timerfd\.h": ["lib/api/loop*.c"],
    r"pthread\.h|threads\.h": ["lib/api/*.[ch]", "lib/extra/http*.c", "lib/transport/sctp*.[ch]", "lib/transport/crc32c.c", "lib/transport/srtp_process.c", "lib/transport/dtls_library.c",
                               "lib/transport/turn_tls_stream.c", "lib/util/mask.c", "lib/util/secret.c", "lib/media/e2ee_counter.c"],
    r"stdatomic\.h": ["lib/api/*.[ch]", "lib/transport/sctp*.[ch]", "lib/transport/dtls_int.h",
                       "lib/util/mem.c", "lib/util/rand.c", "lib/transport/srtp_process.c", "lib/extra/playout*.[ch]", "lib/extra/isolate*.[ch]"],  # dtls_int.h: contexts share certificates
}
COUNTED = ["bench/micro*.[ch]", "bench/work*.c", "bench/world.[ch]"]  # programs whose instructions are counted call inner functions
CALLS = {  # call → the only files of lib/ that may make it
    r"strcpy|strncpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atoll|atof|alloca|gets|system|popen|getenv|setenv": [],
    r"malloc|calloc|realloc|strdup|strndup|asprintf|free": ["lib/util/mem.c"],
    r"clock_gettime|gettimeofday|time": ["lib/api/loop*.c"],
    r"RAND_bytes|RAND_priv_bytes|getrandom|rand|random|srand": ["lib/util/rand.c"],
    r"epoll_wait|epoll_pwait|epoll_ctl|poll|select|sleep|usleep|nanosleep": ["lib/api/loop*.c"],
    r"printf|puts|fprintf|perror|exit|abort|getaddrinfo|gethostbyname": [],
}
BANNED_EVERYWHERE = r"strcpy|strncpy|sprintf|strtok|atoi|alloca"
FUNCTION_LINES, FUNCTION_HARD = 60, 100
FILE_LINES, FILE_HARD = 600, 900


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def tracked(*patterns):
    """Files of the repository, those that are not committed yet too."""
    run = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
                         capture_output=True, text=True, check=True)
    return sorted(p for p in set(run.stdout.split("\n")) if p and os.path.isfile(p))


def sources(*roots):
    return [p for p in tracked("*.c", "*.h") if p.split("/")[0] in roots or not roots]


def matches(path, patterns):
    return any(fnmatch.fnmatch(path, p) for p in patterns)


def code(path):
    """The text with comments and the contents of strings blanked, lines kept."""
    def blank(match):
        token = match.group()
        return token[0] + '"' if token[0] == '"' else re.sub(r"[^\n]", " ", token)
    return re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', blank, read(path), flags=re.S)


def lines_with(path, pattern, text=None):
    text = code(path) if text is None else text
    for number, line in enumerate(text.split("\n"), 1):
        match = re.search(pattern, line)
        if match:
            yield number, match


def check_layers():
    """util < wire < {transport, media} < peer < api, extra sees util only: a file includes its own layer and lower ones."""
    for path in sources("lib"):
        layer = path.split("/")[1]
        for number, match in lines_with(path, r'#\s*include\s+"(?:\.\./)*([a-z]+)/', read(path)):
            other = match.group(1)
            if other == "sotto":  # the public types; no layer calls a public function
                continue
            if other not in LAYERS:
                yield path, f"line {number}: '{other}' is no layer"
            elif other != layer and LAYERS[other] >= LAYERS[layer]:
                yield path, f"line {number}: {layer} may not include {other}: it lies above"


def check_headers_of_others():
    """Each third-party library has its owner; epoll and threads too."""
    for path in sources("lib"):
        for number, match in lines_with(path, r"#\s*include\s+<([^>]+)>", read(path)):
            for pattern, owners in OWNERS.items():
                if re.fullmatch(pattern, match.group(1)) and not matches(path, owners):
                    yield path, f"line {number}: <{match.group(1)}> belongs to {' '.join(owners)}"
    for path in sources("docs", "tools", "bench"):
        if matches(path, COUNTED):
            continue
        for number, match in lines_with(path, r'#\s*include\s+"((?:lib|util|wire|transport|media|peer|api)/[^"]*)"', read(path)):
            yield path, f"line {number}: \"{match.group(1)}\" is internal: a program sees <sotto/…> only"


def check_calls():
    """Banned calls, and calls with an owner: time, entropy, memory, waiting."""
    for path in sources("lib"):
        for pattern, owners in CALLS.items():
            if not matches(path, owners):
                for number, match in lines_with(path, r"(?<![\w.>])(?:%s)\s*\(" % pattern):
                    yield path, f"line {number}: {match.group()}…) belongs to {' '.join(owners) or 'nobody'}"
    for path in sources("include", "test", "fuzz", "tools", "bench", "docs"):
        for number, match in lines_with(path, r"(?<![\w.>])(?:%s)\s*\(" % BANNED_EVERYWHERE):
            yield path, f"line {number}: {match.group()}…) is banned"


def check_first_lines():
    """An SPDX line; in lib/ a block comment of 3 to 8 lines that says what the file is; in fuzz/ its target and property."""
    for path in tracked("*.c", "*.h", "*.py", "*.sh", "*.mjs", "*.js", "meson.build", "dev"):
        if "SPDX-License-Identifier: BSD-2-Clause" not in "".join(read(path).split("\n", 3)[:3]):
            yield path, "the SPDX line is missing"
    for path in sources("lib"):
        if path.endswith(".c"):
            comment = re.match(r"[^\n]*\n/\*(.*?)\*/", read(path), re.S)
            length = re.sub(r"\n \* answers:.*", "", comment.group(1)).count("\n") + 1 if comment else 0
            if not 3 <= length <= 8:
                yield path, f"its first comment has {length} lines, not 3 to 8"
    for path in tracked("fuzz/fuzz_*.c"):
        if not re.match(r"/\* SPDX[^\n]*\n/\*[\s*]*Target: (?:(?!\*/).)*?Property: ", read(path), re.S):
            yield path, "does not begin with /* Target: … Property: … */"


def check_length():
    """Functions of at most 60 lines, files of at most 600."""
    for path in sources():
        length = read(path).count("\n")
        if length > FILE_LINES:
            yield path + ("!" if length > FILE_HARD else ""), f"{length} lines, {FILE_LINES} are allowed"
    run = subprocess.run(["ctags", "-x", "--languages=C", "--langmap=C:.c.h", "--kinds-C=f", "--_xformat=%N\t%n\t%{end}\t%F",
                          *sources()], capture_output=True, text=True, check=True)
    for line in run.stdout.split("\n")[:-1]:
        name, first, last, path = line.split("\t")
        length = int(last) - int(first) + 1 if last.isdigit() else 0
        if length > FUNCTION_LINES:
            yield f"{path}:{name}" + ("!" if length > FUNCTION_HARD else ""), \
                f"{length} lines, {FUNCTION_LINES} are allowed"


def one_of(pattern, stem):
    """Whether pattern exists with stem, or with the name that stem was split off from: sdp_parse from sdp."""
    parts = stem.split("_")
    return any(os.path.exists(pattern % "_".join(parts[:n])) for n in range(len(parts), 0, -1))


def check_one_name():
    """Law 5: lib/L/X.c has test/L/test_X.c, a public header X.h has lib/api/X.c, or lib/extra/X.c for what stands beside
    the library's objects; a file of wire has its fuzzer."""
    for path in sources("lib"):
        directory, name = os.path.split(path)
        stem, extension = os.path.splitext(name)
        layer = directory.split("/")[-1]
        if extension == ".c" and not one_of(f"test/{layer}/test_%s.c", stem):
            yield path, f"has no test/{layer}/test_{stem}.c"
        if extension == ".c" and layer == "wire" and not one_of("fuzz/fuzz_%s.c", stem):
            yield path, f"has no fuzz/fuzz_{stem}.c"
    for path in tracked("include/sotto/*.h"):
        stem = os.path.basename(path)[:-2]
        if stem != "sotto" and not any(os.path.exists(f"lib/{d}/{stem}.c") for d in ("api", "extra")):
            yield path, f"has no lib/api/{stem}.c, and no lib/extra/{stem}.c"
    for path in tracked("fuzz/fuzz_*.c"):
        stem = os.path.basename(path)[len("fuzz_"):-2]
        if not tracked(f"fuzz/corpus/{stem}/*"):
            yield path, f"has no input in fuzz/corpus/{stem}"


def check_fuzzed():
    """Every function of the public headers is called by a fuzz target; those on a handle, which may be stale, by fuzz_api's. Every
    target has its row in fuzz/README.md and is one of fuzz/meson.build."""
    every = "".join(code(p) for p in sources("fuzz"))
    with_handles = "".join(code(p) for p in tracked("fuzz/fuzz_api.c", "fuzz/api_*.c"))
    for path in tracked("include/sotto/*.h"):
        for name, arguments in re.findall(r"SOTTO_API[^;{]*?\b(sotto_\w+)\s*\(([^;]*)\)\s*;", code(path)):
            is_on_handle = re.match(r"\s*(?:const )?sotto_(?:pc|dc|transceiver|reconnect) \*(?!\*)", arguments)
            if not re.search(r"\b%s\s*\(" % name, with_handles if is_on_handle else every):
                yield f"{path}:{name}", "is called by " + ("no file of fuzz_api" if is_on_handle else "no fuzz target")
    readme, build = read("fuzz/README.md"), read("fuzz/meson.build")
    for path in tracked("fuzz/fuzz_*.c"):
        name = os.path.basename(path)[len("fuzz_"):-2]
        if f"`fuzz_{name}`" not in readme:
            yield path, "has no row in fuzz/README.md"
        if f"'{name}':" not in build:
            yield path, "is not built: fuzz/meson.build does not list it"


# proves: S07
def check_no_off_switch():
    """Nothing in the public headers, the build options or the tools turns security off."""
    word = r"insecure|no_?verify|disable|skip_|without_encryption|no_dtls|plain_?text|allow_any|null_cipher|debug_keys"
    for path in tracked("include/sotto/*.h", "meson_options.txt", "tools/*.c"):
        for number, match in lines_with(path, r"(?i)\w*(?:%s)\w*" % word):
            yield path, f"line {number}: '{match.group()}' sounds like an off switch"


# proves: S12
def check_security_notes():
    """Each field of the configuration with a note "Security:" stands with that note in the table of the security report, and nothing else.
    Of other structs that an application fills, too, or there is an exception that says why a connection cannot report it."""
    notes = {}
    filled = r"typedef struct (sotto_\w+_(?:config|server|key|policy|parameters|options)|sotto_policy) \{(.*?)\n\} \1;"
    for path in tracked("include/sotto/*.h"):
        for struct, body in re.findall(filled, read(path), re.S):
            for field, comment in re.findall(r"(\w+);\s*/\*\*<(.*?)\*/", body, re.S):
                words = " ".join(comment.split())
                if "Security: " not in words:
                    continue
                if struct in ("sotto_ctx_config", "sotto_pc_config"):
                    notes[f"{struct}.{field}"] = words.split("Security: ", 1)[1].strip()
                else:
                    yield f"{path}:{struct}.{field}", "has a note on security, and no row in the table of the report"
    table = "lib/api/security_risks.c"
    rows = dict(re.findall(r'\{"(sotto_\w+_config\.\w+)",\s*"([^"]*)"', read(table)))
    for name in sorted(set(notes) | set(rows)):
        if name not in rows:
            yield table, f"has no row for {name}, which has a note on security"
        elif name not in notes:
            yield table, f"has a row for {name}, which has no note on security"
        elif not notes[name].startswith(rows[name]):
            yield table, f"the note of {name} is not the one of its header"


def check_headers_alone():
    """Each public header compiles by itself, in C11 and in C++."""
    for path in tracked("include/sotto/*.h"):
        for compiler in (["gcc", "-std=c11", "-x", "c"], ["g++", "-std=c++11", "-x", "c++"]):
            run = subprocess.run([*compiler, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Iinclude", "-fsyntax-only", "-"],
                                 input=f"#include <{path[len('include/'):]}>\n", capture_output=True, text=True)
            if run.returncode:
                yield path, f"{compiler[0]}: {run.stderr.strip().splitlines()[0]}"


def defined(path, *options):
    run = subprocess.run(["nm", "--defined-only", *options, path], capture_output=True, text=True, check=True)
    return [f[2] for f in map(str.split, run.stdout.split("\n")) if len(f) == 3]


def public_functions():
    return {name for path in tracked("include/sotto/*.h")
            for name in re.findall(r"SOTTO_API[^;{]*?\b(sotto_\w+)\s*\(", code(path))}


# proves: A15
def check_forked():
    """Each public function is tried in a forked child by test/api/test_forked.c, or stands there with the reason why a child may call it."""
    test = "test/api/test_forked.c"
    text = read(test)
    tried = re.findall(r"^    (?:EXPECT|EMPTY|NOTHING)\((sotto_\w+)\(", text, re.M)
    excused = re.findall(r'^    \{"(sotto_\w+)", "\w[^"]+"\},$', text, re.M)
    rows = tried + excused
    for name in sorted(public_functions() - set(rows)):
        yield test, f"has no row for {name}"
    for name in sorted(set(rows) - public_functions()):
        yield test, f"has a row for {name}, which no header declares"
    for name in sorted({n for n in rows if rows.count(n) > 1}):
        yield test, f"has more than one row for {name}"


# proves: S17
def check_symbols():
    """libsotto.so exports what the headers declare and nothing else; inside, every linked name begins with sotto_."""
    declared = public_functions()
    library = f"{BUILD}/lib/libsotto.so"
    exported = {name.split("@")[0] for name in defined(library, "-D")} - {"SOTTO_0"}
    for name in sorted(exported - declared):
        yield library, f"exports {name}, which no public header declares"
    for name in sorted(declared - exported):
        yield library, f"does not export {name}"
    for directory, _, names in os.walk(f"{BUILD}/lib"):
        for archive in sorted(n for n in names if n.endswith(".a")):
            for name in defined(os.path.join(directory, archive), "-g"):
                if not name.startswith("sotto_"):
                    yield f"{directory}/{archive}", f"defines {name} without the prefix sotto_"


def check_limits():
    """Every limit that has a name is used."""
    text = "".join(code(p) for p in sources("lib", "include") if p != "lib/util/limits.h")
    names = re.findall(r"^#define (SOTTO_\w+) ", read("lib/util/limits.h"), re.M)
    inner = read("lib/util/limits.h")
    for name in names:
        if not re.search(r"\b%s\b" % name, text) and len(re.findall(r"\b%s\b" % name, inner)) < 2:
            yield "lib/util/limits.h", f"{name} is used nowhere"


def check_leftovers():
    """No notes to ourselves, no paths of one machine, no blanks at line ends."""
    for path in tracked():
        if path.split("/")[0] == "LICENSE" or re.match(r"test/fixtures/|fuzz/corpus/|package-lock", path) or path.startswith("test/style/"):
            continue
        try:
            text = read(path)
        except UnicodeDecodeError:
            continue
        for number, match in lines_with(path, r"\b(?:TODO|FIXME|XXX|HACK)\b|/work/|[ \t]+$|^<<<<<<<|^>>>>>>>", text):
            yield path, f"line {number}: '{match.group()}'"


# proves: S32 S37 S38
def check_tables():
    """docs/reference/errors.md, limits.md and events.md say what the headers say; lib/README.md names every file of lib/."""
    for path, text in tables.pages().items():
        if not os.path.exists(path) or read(path) != text:
            yield path, "is not what the headers say: run python3 test/style/tables.py"
    events = read("docs/reference/events.md")
    for name in re.findall(r"^    SOTTO_EV_(\w+) = ", read("include/sotto/event.h"), re.M):
        if f"| `{name}` |" not in events:
            yield "docs/reference/events.md", f"does not name SOTTO_EV_{name}"
    yield from tables.steps()
    readme = read("lib/README.md")
    for path in sources("lib"):
        if not re.search(r"\b%s\b" % re.escape(os.path.splitext(os.path.basename(path))[0]), readme):
            yield path, "is not named in lib/README.md"
    for name in re.findall(r"`((?:lib|include|test|docs|tools|bench|fuzz)/[\w/.-]+(?<![/_][XY]\.[ch]))`", readme):
        if not os.path.exists(name):
            yield "lib/README.md", f"names {name}, which is not there"


def check_mutants():
    """Each change of test/mutation/checks.txt fits the sources, and there are 120 at least."""
    sys.path.insert(0, os.path.join("test", "mutation"))
    mutation = __import__("mutate")
    mutants = mutation.read_checks()
    yield from (("test/mutation/checks.txt", text) for text in mutation.misfits(mutants))
    if len(mutants) < 120:
        yield "test/mutation/checks.txt", f"has {len(mutants)} changes only"


def check_figures():
    """docs/reference/performance.md and its plots say what performance.json says; every function that bench/micro counts has its figure."""
    sys.path.insert(0, "bench")
    import report
    data = report.read(".")
    for path, text in report.pages(".", data).items() if data else []:
        if not os.path.exists(path) or read(path) != text:
            yield path, "is not what performance.json says: ./dev bench --write makes both"
    counted = {n for p in tracked("bench/micro*.c") for n in re.findall(r'\{"([^"]+)", \d+, \w+,', read(p))} | {"data", "media", "setup"}
    known = set(json.loads(read("bench/instructions.json"))["figures"])
    for name in sorted(counted ^ known):
        yield "bench/instructions.json", f"'{name}' is " + ("not in it" if name in counted else "counted nowhere")


def exceptions():
    found = {}
    for line in read("test/style/exceptions").split("\n"):
        if line.strip() and not line.startswith("#"):
            check, place, _ = line.split(None, 2)
            found[(check, place)] = False
    return found


def main():
    forgiven = exceptions()
    checks = {n[len("check_"):]: f for n, f in globals().items() if n.startswith("check_")}
    chosen = sys.argv[2:] or list(checks)
    failed = False
    for name in chosen:
        findings = []
        try:
            for place, text in checks[name]():
                if (name, place) in forgiven:
                    forgiven[(name, place)] = True
                else:
                    findings.append(f"not ok {name}: {place.rstrip('!')}: {text}")
        except (OSError, subprocess.CalledProcessError) as error:
            findings.append(f"not ok {name}: {error}")
        findings += [f"not ok {name}: test/style/exceptions: {place} needs no exception"
                     for (check, place), used in forgiven.items() if check == name and not used]
        print("\n".join(findings) if findings else f"ok {name}")
        failed = failed or bool(findings)
    sys.exit(failed)


main()
