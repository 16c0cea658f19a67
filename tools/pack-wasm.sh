#!/bin/sh
# A hook of trunk (Trunk.toml): puts beside each NAME.wasm of the bundle a classic script NAME.wasm.js
# that holds the same bytes, gzipped, in base64. static/site/boot.js tells when it is loaded instead.
# Compressed before it is encoded, it costs a third more than the wasm on a host that compresses, and
# half of it on one that does not.
set -eu
cd "${TRUNK_STAGING_DIR:?is set by trunk}"
level=-1
[ "${TRUNK_PROFILE:-}" = release ] && level=-9
for wasm in *.wasm; do
    {
        printf 'faultlineWasm("'
        gzip $level -n -c "$wasm" | base64 | tr -d '\n'
        printf '");\n'
    } >"$wasm.js"
done
