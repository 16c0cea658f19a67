#!/bin/sh
# Everything that must hold. Each step is run even if one before it failed. The last line counts the
# tests of all; a step that failed without a test that failed (a lint, a build) counts as one.
set -u
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0 broken=''

step() {
    name=$1; shift
    t=$(date +%s)
    printf '\n== %s\n' "$name"
    # The exit status of the command, not of tee.
    { "$@" 2>&1 </dev/null; echo "status $?" >"$log.status"; } | tee "$log"
    status=$(cut -d' ' -f2 "$log.status"); rm -f "$log.status"
    # cargo test: «test result: ok. 12 passed; 0 failed; …»; node: «# pass 5», «# fail 0» (or ℹ for #).
    counts=$(awk '
        /^test result:/ { for (i = 2; i <= NF; i++) { if ($i ~ /^passed/) p += $(i-1); if ($i ~ /^failed/) f += $(i-1) } }
        /^(#|ℹ) pass [0-9]+$/ { p += $3 }  /^(#|ℹ) fail [0-9]+$/ { f += $3 }
        END { print p + 0, f + 0 }' "$log")
    p=${counts% *} f=${counts#* }
    [ "$f" = 0 ] && [ "$status" != 0 ] && f=1
    passed=$((passed + p)) failed=$((failed + f))
    [ "$status" = 0 ] || broken="$broken, $name"
    printf -- '-- %s: %s (%d s)\n' "$name" "$([ "$status" = 0 ] && echo ok || echo FAILED)" $(($(date +%s) - t))
}

step 'set-up' sh tools/setup.sh wasm bindgen wasm-opt browser npm
step 'check' make --no-print-directory check
step 'native tests' cargo test --quiet
# Cargo would hand its own --quiet to the runner, which does not know it.
step 'wasm tests in Node' env CARGO_TERM_QUIET=false cargo test --target wasm32-unknown-unknown --test digests --test numbers --test memory
step 'release bundle' make --no-print-directory build
# Trunk takes minutes to compile where it is missing, so only a runner does that for the comparison.
if [ "${CI:-}" = true ] || command -v trunk >/dev/null; then
    step 'trunk builds the same' sh -c 'sh tools/setup.sh trunk &&
        trunk --quiet build --release --dist target/trunk && diff -r dist target/trunk'
fi
step 'browser tests' node --test --test-reporter=spec tests/browser/*.test.mjs

echo
[ -z "$broken" ] || echo "failed: ${broken#, }"
echo "$passed passed, $failed failed"
[ -z "$broken" ]
