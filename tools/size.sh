#!/bin/sh
# size.sh DIR BUDGET: what a first visit to the bundle in DIR downloads before it starts, and failure if that is above
# BUDGET bytes gzipped: the page and what it names. What comes later is said, too. The packed wasm (*.wasm.js)
# comes instead of the wasm, in sandboxed frames only, and weighs the same when compressed.
set -eu
cd "$1"
total_raw=0 total_gz=0
later=$(echo *_later.wasm)
for file in *.wasm *.js *.css index.html; do
    [ "$file" = index.html ] || grep -q "[\"/]$file[\"?]" index.html || continue
    [ "$file" = "$later" ] || [ "$file" = later.css ] && continue
    raw=$(wc -c <"$file")
    gz=$(gzip -9 -c "$file" | wc -c)
    total_raw=$((total_raw + raw)) total_gz=$((total_gz + gz))
    printf 'size: %9d raw %9d gzipped  %s\n' "$raw" "$gz" "$file"
done
printf 'size: %9d raw %9d gzipped  in all, of %d\n' $total_raw $total_gz "$2"
for file in "$later" later.css; do
    printf 'size: %9d raw %9d gzipped  %s, when the page has started\n' "$(wc -c <"$file")" "$(gzip -9 -c "$file" | wc -c)" "$file"
done
if [ $total_gz -gt "$2" ]; then
    echo "size: the download is $((total_gz - $2)) bytes above its budget" >&2
    exit 1
fi
