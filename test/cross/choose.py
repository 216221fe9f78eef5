#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Which tests run under qemu: meson introspect --tests | choose.py ARCH BUILD name|program|why [--long]

`name` and `program` list what runs, as meson calls it and where it lies; `why` says in one line each what does not, and how much.
"""
import json
import sys

# On a clock that cannot wait for a processor that is twenty times slower: libnice's timers. Under qemu they say nothing.
REAL_TIME = {"transport-ice_nice", "transport_transport_nice"}

# Long computation without anything of the processor's own: each takes six seconds to minutes under qemu, together more than all others.
LONG = {
    "transport-sctp_lossy", "transport-dtls_attack", "transport-dtls_switch", "transport-srtp", "transport-srtp_gcm",
    "transport-srtp_source", "transport-srtp_hostile", "transport_transport_size", "transport_transport_random",
    "transport_transport_restart", "transport-sctp_hostile", "transport-sctp_path", "transport-sctp_limits", "transport-ice_hostile",
    "wire_payload_av1",
}

# C that knows no processor: its two dangers, 32 bits and a char without sign, armhf has both, and 64 bits the machine itself.
PORTABLE = ("wire", "media", "peer", "extra", "net", "tools")


def reason(test, arch, is_long):
    name, plain = test["name"], test["name"].removesuffix("_through_libnice")
    if "sotto:kernel" in test["suite"]:
        return "need the kernel itself and are left out under qemu"
    if plain in REAL_TIME:
        return "need the real clock and are left out under qemu"
    if is_long:
        return None
    if name != plain:
        return "run a second time past the fast path with --long only"
    if name in LONG:
        return "take long and run with --long only"
    if arch == "arm64" and name.replace("-", "_").split("_")[0] in PORTABLE:
        return "are portable C and run on armhf, here with --long only"
    return None


def main():
    arch, build, what, is_long = sys.argv[1], sys.argv[2] + "/", sys.argv[3], "--long" in sys.argv
    out, reasons = set(), {}
    for test in json.load(sys.stdin):
        if "sotto:unit" not in test["suite"]:
            continue
        why = reason(test, arch, is_long)
        if why:
            reasons.setdefault(why, []).append(test["name"])
        elif what == "name":
            out.add(test["name"])
        else:
            out.add([x for x in test["cmd"] if x.startswith(build)][0][len(build):])
    if what == "why":
        out = {f"{arch}: {len(names)} programs {why}" for why, names in reasons.items()}
    print("\n".join(sorted(out)))


main()
