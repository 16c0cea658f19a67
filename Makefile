# Every target installs what it needs first, if it is missing (tools/setup.sh says what that takes).

PORT   ?= 8080
# What a visitor downloads before the page starts, gzipped, may not grow above this many bytes.
BUDGET ?= 250000

# How many parts of a path «make weigh» tells apart.
DEPTH  ?= 2

# dist/ is only ever a release bundle, as one would put it on a host; development builds go here.
PAGE   := target/page

SETUP := sh tools/setup.sh
# The tools of the right versions, which tools/setup.sh keeps in the user's own folders, come first.
export PATH := $(shell $(SETUP) where path):$(PATH)
# Cargo's progress bar is for people; without a terminal it would be a line a crate.
export CARGO_TERM_QUIET ?= $(shell [ -t 2 ] && echo false || echo true)

.PHONY: help serve page build weigh profile test check bench painting peers validation protocols shot clean

help:
	@echo 'make serve   build the page for development, serve it, rebuild it when a file changes (PORT=8080)'
	@echo 'make build   the release bundle in dist/, for any static host; says what a visitor downloads'
	@echo 'make weigh   what the code in it weighs, by module (DEPTH=2)'
	@echo 'make profile which of the code runs while a page opens and plays, in a browser; tools/unused.txt'
	@echo 'make test    everything: make check, tests natively, in Node and in a browser'
	@echo 'make check   formatting and lints, native and wasm32'
	@echo 'make bench   the benchmarks, native and in Node (ONLY=seeks for the time machine,'
	@echo '             ONLY=painting for what a frame costs)'
	@echo 'make peers   other simulators on the same job (a part of make bench)'
	@echo 'make validation  docs/validation.md anew: published results beside ours'
	@echo 'make protocols   docs/protocols.md anew: ten thousand seeds of each protocol, and what each costs'
	@echo '                 (a try, with SEEDS=50 COST_SEEDS=25, stays in target/protocols.md)'
	@echo 'make page    a development build in $(PAGE), to look at without a server'
	@echo "make shot    a picture of it: URL='#…' OUT=shot.png W=1280 H=800 THEME=dark DO='await page.…'"
	@echo 'make clean   removes what was built here'
	@echo
	@echo 'cargo test needs none of this: a stable Rust is enough.'

serve:
	@$(SETUP) node
	@node tools/serve.mjs $(PAGE) $(PORT)

page:
	@sh tools/page.sh $(PAGE)

build:
	@sh tools/page.sh dist --release
	@sh tools/size.sh dist $(BUDGET)

weigh:
	@sh tools/page.sh dist --release
	@node tools/weigh.mjs target/named.wasm $(DEPTH)

profile: build
	@$(SETUP) browser npm
	@FAULTLINE_DIST=$(CURDIR)/dist node tools/profile.mjs dist target/whole.wasm target/linked.wasm tools/later.txt tools/unused.txt

test:
	@sh tools/test.sh

check:
	@$(SETUP) wasm
	cargo fmt --check
	cargo clippy --quiet --all-targets -- -D warnings
	cargo clippy --quiet --target wasm32-unknown-unknown --lib --bins -- -D warnings

bench:
	@$(SETUP) wasm bindgen
	$(if $(filter painting,$(ONLY)),,cargo bench --bench engine -- $(ONLY))
	$(if $(ONLY),,cargo bench --bench memory)
	$(if $(ONLY),,@$(MAKE) --no-print-directory peers)
	$(if $(filter painting,$(ONLY)),,cargo test --profile bench --bench engine --target wasm32-unknown-unknown -- $(ONLY) --nocapture)
	$(if $(filter-out painting,$(ONLY)),,@$(MAKE) painting)

painting:
	@$(SETUP) browser npm
	@[ -f dist/index.html ] || $(MAKE) build
	@FAULTLINE_DIST=$(or $(FAULTLINE_DIST),$(CURDIR)/dist) node tools/painting.mjs

# A package of its own, so that nothing else compiles other simulators; cargo has to be called in its folder.
peers:
	@cd benches/peers && if cargo fetch --quiet --locked 2>/dev/null; \
	then cargo run --quiet --release --locked --target-dir '$(CURDIR)/target/peers'; \
	else echo 'The peers are not compared: their crates are not here and cannot be fetched.'; fi

validation:
	cargo run --quiet -- validate --long --markdown tests/references > target/validation.md
	mv target/validation.md docs/validation.md

protocols:
	mkdir -p target
	sh tools/protocols.sh > target/protocols.md
	[ -n "$(SEEDS)$(COST_SEEDS)" ] || mv target/protocols.md docs/protocols.md

shot: export URL := $(URL)
shot: export OUT := $(or $(OUT),shot.png)
shot: export W := $(or $(W),1280)
shot: export H := $(or $(H),800)
shot: export THEME := $(or $(THEME),light)
shot: export DO := $(DO)
shot: export FAULTLINE_DIST := $(if $(FAULTLINE_DIST),$(FAULTLINE_DIST),$(CURDIR)/$(PAGE))
shot:
	@$(SETUP) browser npm
	@node tools/shot.mjs

clean:
	cargo clean
	rm -rf dist tests/browser/out
