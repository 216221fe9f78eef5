#!/bin/bash -eu
# SPDX-License-Identifier: BSD-2-Clause
#
# Builds the fuzz targets as OSS-Fuzz asks for it: with its CC, CFLAGS, LIB_FUZZING_ENGINE and SANITIZER, into OUT, each with its corpus
# and its dictionary beside it. FUZZ_TARGETS="sdp rtp": only these. Tried by fuzz/oss-fuzz/check with the same variables.
top=$(cd "$(dirname "$0")/../.." && pwd)
[ -d "${SRC:-/src}/sotto/fuzz" ] && top=${SRC:-/src}/sotto
build=$WORK/sotto-$SANITIZER
cd "$top"

# A machine that runs the targets has none of the libraries below sotto: they go along, and are found from where the target is.
export LDFLAGS="${LDFLAGS:-} -Wl,--disable-new-dtags -Wl,-rpath,\$ORIGIN/lib"
rm -rf "$build"
meson setup "$build" --buildtype=plain -Db_lundef=false -Dfuzz=true "-Dfuzz_engine=$LIB_FUZZING_ENGINE" \
    -Dtests=enabled -Dtools=disabled -Dexamples=false -Dbench=false

names=${FUZZ_TARGETS:-$(printf '%s\n' fuzz/fuzz_*.c | sed 's|fuzz/fuzz_||; s|\.c$||')}
# shellcheck disable=SC2086
ninja -C "$build" $(printf 'fuzz/fuzz_%s ' $names)

mkdir -p "$OUT/lib"
for name in $names; do
    cp "$build/fuzz/fuzz_$name" "$OUT/"
    python3 - "$OUT/fuzz_${name}_seed_corpus.zip" "fuzz/corpus/$name" <<'PY'
import os
import sys
import zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as out:
    for name in sorted(os.listdir(sys.argv[2])):
        out.write(os.path.join(sys.argv[2], name), name)
PY
    [ ! -f "fuzz/dict/$name.dict" ] || cp "fuzz/dict/$name.dict" "$OUT/fuzz_$name.dict"
    printf '[libfuzzer]\nmax_len = 4096\ntimeout = 10\n' >"$OUT/fuzz_$name.options"
    ldd "$OUT/fuzz_$name" | awk '$3 ~ /^\// { print $3 }'
done | sort -u | grep -v -E '/(libc|libm|libdl|librt|libpthread|libresolv|libgcc_s|libstdc\+\+)\.so' | while read -r library; do
    case $library in "$OUT"/*) ;; *) cp -L "$library" "$OUT/lib/" ;; esac
done
