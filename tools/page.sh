#!/bin/sh
# page.sh OUT [--release]: builds the page into the folder OUT, as trunk does from the same index.html
# and Trunk.toml, to the last byte (`make test` compares them), but without the minutes that compiling
# trunk takes on a fresh machine. It knows what our index.html needs, and no more: each `data-trunk`
# link on a line of its own, one to the crate and one to the folder that is copied.
set -eu
cd "$(dirname "$0")/.."
out=$1 profile=debug release=''
[ "${2:-}" = --release ] && profile=release release=--release

sh tools/setup.sh wasm
# Compiles beside the app where it is missing: neither keeps two cores busy alone.
sh tools/setup.sh bindgen ${release:+wasm-opt} &
setup=$!
trap 'kill 0' INT # what runs in the background would not hear of a Ctrl-C
built=yes
cargo build --target wasm32-unknown-unknown --bin faultline $release || built=no
wait $setup
[ $built = yes ]

target=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
stage=$out.stage
rm -rf "$stage"
mkdir -p "$stage"
wasm-bindgen --target=no-modules --no-typescript --out-dir="$stage" --out-name=faultline \
    "$target/wasm32-unknown-unknown/$profile/faultline.wasm"
if [ $profile = release ]; then
    wasm="$stage/faultline_bg.wasm"
    node tools/unlinked.mjs "$wasm"
    mkdir -p target && cp "$wasm" target/named.wasm # for make weigh: wasm-opt takes the names out
    # Split at the spaces, as trunk does.
    wasm-opt --output="$wasm" "-O$(sed -n 's/.*data-wasm-opt="\(.\)".*/\1/p' index.html)" "$wasm" \
        $(sed -n 's/.*data-wasm-opt-params="\([^"]*\)".*/\1/p' index.html)
fi
cp -R "$(sed -n 's/.*rel="copy-dir" href="\([^"]*\)".*/\1/p' index.html)/." "$stage/"

scripts=$(sed -n "s/^pattern_script = '\(.*\)'$/\1/p" Trunk.toml |
    sed 's#{base}#./#g; s#{wasm}#faultline_bg.wasm#g; s#{js}#faultline.js#g')
sed -e "/<link data-trunk rel=\"rust\"/ s#<link.*/>#$scripts#" -e 's#<link data-trunk .*/>##' index.html >"$stage/index.html"
TRUNK_STAGING_DIR=$stage TRUNK_PROFILE=$profile sh tools/finish-page.sh

rm -rf "$out"
mv "$stage" "$out"
