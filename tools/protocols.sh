#!/bin/sh
# docs/protocols.md: what each protocol holds and costs. Every table is what a command printed; nothing is typed in.
set -eu

cargo build --quiet --profile bench
faultline=target/release/faultline
[ -z "${CARGO_TARGET_DIR:-}" ] || faultline=$CARGO_TARGET_DIR/release/faultline

cat <<'HEAD'
# Protocols: what holds, and what it costs

`make protocols` writes this page; every figure on it is what a command printed.

## Many seeds of each

Each sheet in `tests/swarm` is run with many seeds. Faults are drawn from the seed for a while, then everything is
repaired. A protocol as its paper has it must keep every promise with every seed; a mistake that is switched on must be
found out by the check that is for it. [cli.md](cli.md#swarm) says what a sheet holds, and how to run one.
HEAD
"$faultline" swarm --seeds "${SEEDS:-10000}" --markdown tests/swarm
