#!/bin/sh
# Installs what is missing, and only that. The Makefile calls it; by hand:
#
#   tools/setup.sh PART...        wasm bindgen wasm-opt browser npm node trunk
#   tools/setup.sh where path     folders to put first on PATH (also: where browser, where npm)
#
# Each part is looked for first. What is missing goes into the user's own folders, never into the
# checkout, so a second clone finds it, and never over a tool that the user has: programs go into
# $FAULTLINE_HOME/<name>-<version>/bin (~/.cache/faultline by default), which the Makefile puts on PATH.
# A part counts as there when its program answers with the right version, so an interrupted run
# is simply run again.
#
# FAULTLINE_HOME=DIR       keeps everything elsewhere
# FAULTLINE_PREBUILT=no    compiles instead of downloading prebuilt programs
set -eu

TRUNK=0.21.14     # 0.22 wants a newer Rust than Cargo.toml does
BINARYEN=132.0.0  # Debian's 108 cannot read what Rust writes today

cd "$(dirname "$0")/.."
HOME_DIR=${FAULTLINE_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/faultline}
LOGS=$HOME_DIR/log
# The command and the crate must be of one version, to the last digit: they share a private format.
BINDGEN=$(awk '$3 == "\"wasm-bindgen\"" { getline; gsub(/"/, "", $3); print $3; exit }' Cargo.lock)

trunk_dir=$HOME_DIR/trunk-$TRUNK
bindgen_dir=$HOME_DIR/wasm-bindgen-$BINDGEN
binaryen_dir=$HOME_DIR/binaryen-$BINARYEN
npm_dir=$HOME_DIR/browser-tests-$(cksum <tests/browser/package-lock.json | cut -d' ' -f1)
PATH=$trunk_dir/bin:$bindgen_dir/bin:$binaryen_dir/bin:$PATH
export PATH

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
now() { date +%s; }

# run NAME COMMAND...: quiet when it works, its last words when it does not.
run() {
    name=$1; shift
    mkdir -p "$LOGS"
    if ! "$@" >"$LOGS/$name.log" 2>&1 </dev/null; then
        tail -n 20 "$LOGS/$name.log" >&2
        printf 'setup: %s failed; all it said is in %s\n' "$name" "$LOGS/$name.log" >&2
        return 1
    fi
}

# A tool is used only for seconds at a time, so it is compiled in the cheapest way there is: the time
# until the first page counts, not the speed of the tool. The target folder survives an interruption.
cargo_install() {
    crate=$1; version=$2; dir=$3; shift 3
    CARGO_TARGET_DIR=$HOME_DIR/build-$crate \
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_DEBUG=0 \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        run "$crate" cargo install "$crate" --version "$version" --root "$dir" "$@"
    rm -rf "$HOME_DIR/build-$crate"
}

binstall() {
    have cargo-binstall && [ "${FAULTLINE_PREBUILT:-}" != no ] &&
        run "$1" cargo binstall --no-confirm --disable-strategies compile --root "$3" "$1@$2" 2>/dev/null
}

part_wasm() {
    sysroot=$(rustc --print sysroot) || die 'Rust is missing: install it from https://rustup.rs'
    [ -d "$sysroot/lib/rustlib/wasm32-unknown-unknown/lib" ] && return
    have rustup || die 'the standard library for wasm32-unknown-unknown is missing, and there is no rustup to add it; install the package of your system that holds it'
    t=$(now)
    run wasm rustup target add wasm32-unknown-unknown
    say "wasm32-unknown-unknown: added to the toolchain ($(($(now) - t)) s)"
}

trunk_there() { case $(trunk --version 2>/dev/null) in 'trunk 0.21.'*) ;; *) false ;; esac; }
part_trunk() {
    trunk_there && return
    t=$(now)
    if binstall trunk $TRUNK "$trunk_dir"; then
        say "trunk $TRUNK: downloaded ($(($(now) - t)) s)"
    else
        say "trunk $TRUNK: compiling, about 2 minutes on 2 cores, once ..."
        # Without its default features: they only let it download tools and look for its own updates.
        cargo_install trunk $TRUNK "$trunk_dir" --locked --no-default-features
        say "trunk $TRUNK: compiled ($(($(now) - t)) s)"
    fi
    trunk_there || die "trunk was installed but does not answer as $TRUNK"
}

bindgen_there() {
    [ "$(wasm-bindgen --version 2>/dev/null)" = "wasm-bindgen $BINDGEN" ] &&
        [ "$(wasm-bindgen-test-runner --version 2>/dev/null)" = "wasm-bindgen-test-runner $BINDGEN" ]
}
part_bindgen() {
    bindgen_there && return
    t=$(now)
    if binstall wasm-bindgen-cli "$BINDGEN" "$bindgen_dir"; then
        say "wasm-bindgen $BINDGEN: downloaded ($(($(now) - t)) s)"
    else
        say "wasm-bindgen $BINDGEN: compiling, about 1 minute on 2 cores, once ..."
        cargo_install wasm-bindgen-cli "$BINDGEN" "$bindgen_dir" --no-default-features
        say "wasm-bindgen $BINDGEN: compiled ($(($(now) - t)) s)"
    fi
    bindgen_there || die "wasm-bindgen was installed but does not answer as $BINDGEN"
}

need_node() {
    have node && have npm || die "$1 needs Node.js 20 or newer with npm, which is not here; install it and run this again"
    [ "$(node -p 'parseInt(process.versions.node)')" -ge 20 ] || die "$1 needs Node.js 20 or newer; $(node --version) is here"
}

part_wasm_opt() {
    case $(wasm-opt --version 2>/dev/null) in "wasm-opt version ${BINARYEN%%.*}"*) return ;; esac
    need_node 'wasm-opt (from npm)'
    t=$(now)
    run binaryen npm install --prefix "$binaryen_dir" --no-save --no-audit --no-fund --ignore-scripts "binaryen@$BINARYEN"
    rm -rf "$binaryen_dir/bin"
    ln -s node_modules/.bin "$binaryen_dir/bin"
    say "wasm-opt ${BINARYEN%%.*}: installed ($(($(now) - t)) s)"
}

find_browser() {
    for c in "${CHROME:-}" chromium chromium-browser google-chrome google-chrome-stable chrome microsoft-edge \
        '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome' \
        '/Applications/Chromium.app/Contents/MacOS/Chromium'; do
        if [ -n "$c" ] && command -v "$c" 2>/dev/null; then return; fi
    done
    return 1
}
part_browser() {
    find_browser >/dev/null && return
    t=$(now)
    if [ "$(id -u)" = 0 ] && have apt-get; then
        export DEBIAN_FRONTEND=noninteractive
        run apt-update apt-get update
        run chromium apt-get install -y --no-install-recommends chromium
        say "chromium: installed by apt-get ($(($(now) - t)) s)"
    elif have apt-get; then
        die 'the browser tests need Chromium or Chrome: «sudo apt-get install chromium», or CHROME=/path/to/it'
    else
        die 'the browser tests need Chromium or Chrome: install one (mac: «brew install --cask chromium»), or CHROME=/path/to/it'
    fi
}

part_npm() {
    [ -e "$npm_dir/.done" ] && return
    need_node 'the browser tests'
    t=$(now)
    rm -rf "$npm_dir"
    mkdir -p "$npm_dir"
    cp tests/browser/package.json tests/browser/package-lock.json "$npm_dir/"
    run npm npm ci --prefix "$npm_dir" --no-audit --no-fund --ignore-scripts
    : >"$npm_dir/.done"
    say "npm packages of the browser tests: installed ($(($(now) - t)) s)"
}

if [ "${1:-}" = where ]; then
    case ${2:-} in
    path) echo "$trunk_dir/bin:$bindgen_dir/bin:$binaryen_dir/bin" ;;
    browser) find_browser ;;
    npm) echo "$npm_dir" ;;
    *) die 'where path | browser | npm' ;;
    esac
    exit
fi

have cargo || die 'Rust is missing: install it from https://rustup.rs'
[ -n "$BINDGEN" ] || die 'Cargo.lock names no wasm-bindgen'
for part; do
    case $part in
    wasm | bindgen | browser | npm | trunk) "part_$part" ;;
    node) need_node 'this' ;;
    wasm-opt) part_wasm_opt ;;
    *) die "there is no part «$part»: wasm bindgen wasm-opt browser npm node trunk" ;;
    esac
done
