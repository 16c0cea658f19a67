#!/bin/sh
# The last step of every build of the page, by tools/page.sh and, as a hook, by trunk (Trunk.toml). It
# works on the files in $TRUNK_STAGING_DIR:
#
# 1. In a release, what only readers of scripts and styles need is taken out (tools/slim.pl, tools/names.mjs).
# 2. In a release, the wasm is divided into what a page starts with and what comes later (tools/split.mjs).
# 3. Beside each NAME.wasm it puts a classic script NAME.wasm.js with the same bytes, gzipped, in base64.
#    static/site/boot.js tells when that is loaded instead. Compressed before it is encoded, it weighs no
#    more than the wasm on a host that compresses, and half of it on one that does not.
# 4. The page asks for its scripts and styles by an address that changes with their content, so that no
#    cache puts an old one beside a new one. The names stay: a page that was kept for a while asks for
#    what is still there.
# 5. The pages of scenarios name their own address where $FAULTLINE_SITE says it, such as https://example.org/faultline/,
#    and otherwise leave that out.
set -eu
tools=$(cd "$(dirname "$0")" && pwd)
cd "${TRUNK_STAGING_DIR:?}"

level=-1
if [ "${TRUNK_PROFILE:-}" = release ]; then
    level=-9
    perl "$tools/slim.pl"
    node "$tools/names.mjs" faultline.js faultline_bg.wasm
    mkdir -p "$tools/../target" && cp faultline_bg.wasm "$tools/../target/whole.wasm" # for make profile
    target=$(cargo metadata --no-deps --format-version 1 --manifest-path "$tools/../Cargo.toml" |
        sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
    cp "$target/wasm32-unknown-unknown/release/faultline.wasm" "$tools/../target/linked.wasm"
    node "$tools/split.mjs" faultline_bg.wasm faultline_later.wasm "$tools/later.txt" "$tools/unused.txt" \
        "$tools/../target/linked.wasm"
    sed 's#data-wasm=#data-later="faultline_later.wasm" data-wasm=#' index.html >index.new
    mv index.new index.html
fi
for wasm in *.wasm; do
    {
        printf 'faultlineWasm("'
        gzip $level -n -c "$wasm" | base64 | tr -d '\n'
        printf '");\n'
    } >"$wasm.js"
done

version=$(cat ./*.wasm ./*.js ./*.css 2>/dev/null | cksum | cut -d' ' -f1)
sed -E "s#(src|href|data-wasm|data-later|data-style)=\"(\./)?([A-Za-z0-9_-]+\.(js|css|wasm))\"#\1=\"\3?v=$version\"#g" index.html >index.new
mv index.new index.html

for page in s/*/index.html; do
    if [ -n "${FAULTLINE_SITE:-}" ]; then
        sed "s#@site@#${FAULTLINE_SITE%/}/#g" "$page" >page.new
    else
        sed '/@site@/d' "$page" >page.new
    fi
    mv page.new "$page"
done
