#!/bin/sh
# docs/protocols.md: what each protocol holds and costs. Every table is what a command printed; nothing is typed in.
# SEEDS says how many seeds each case of a swarm gets, COST_SEEDS how many each case of the costs.
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
found out by the check that is for it. [cli.md](cli.md#swarm) says what a sheet holds, and how to run one. A case that one seed is to
break ends with that seed.
HEAD
"$faultline" swarm --seeds "${SEEDS:-10000}" --markdown tests/swarm

cat <<'COST'

## What each costs

Each sheet in `tests/cost` is measured, on equal terms: the same clients, links, disks and faults for all. Messages, bytes
and disk writes are those of everybody in a run, less those of the same run while nobody asks, for each operation that was
acknowledged. Round trips follow one another, the client's own among them. Available is the share of instants at which
whoever asked would have had an answer in 100 ms. [cli.md](cli.md#cost) says how each figure is come by.

What to look for:

- **A write.** With n servers Raft sends AppendEntries to n − 1 and hears n − 1 replies, and the client has its question and
  answer: 2n messages; two round trips, one to the leader and one from there to a majority. Primary and backups take the
  same; a little more, because a primary forwards every 150 ms what has not been confirmed, whether or not it is only slow.
  A quorum asks for versions first (Attiya, Bar-Noy and Dolev 1995): 4(n − 1) + 2 messages and one round trip more, unless
  it trusts clocks. Asynchronous, and with W = 1, the client waits for one disk; the same messages come later.
- **A read.** By lease it is the leader's alone; by index it is a round of heartbeats; through the log it is a write. A read
  by quorum asks all n, and tells what it answers to those that had not answered yet: it writes back, without waiting where
  enough have it.
- **Waiting for the slowest.** Synchronous replication waits for the slowest of all disks, a majority for the middle one:
  see p50 with five servers.
- **Recovery.** Raft elects after 300 to 600 ms of silence; a view manager takes 450 ms for death and seals the others first.
  In a quorum nobody needs to be elected: what is seen there is the client's own patience, 200 ms, and only those feel it
  who had asked the one that died. The manager of views is one machine more, which is not killed here; a real one would
  itself be replicated, and pays for that.
- **When nobody asks** Raft's leader and the primary's manager are heard from; quorums compare copies two by two, whose bytes
  grow with the keys: eight here.
- **A transaction** of N banks: 4N messages, 2N + 1 forced writes (Mohan, Lindsay and Obermarck 1986), and the record of the
  end, which nobody waits for. To presume abort makes no commit cheaper; an abort then needs no acknowledgement, no write of
  the coordinator's, and of its banks only the Yes is forced.
- **Sloppy quorums** differ from strict ones where two of a key's homes cannot be reached; here one is down at a time.
- **What is lost.** Asynchronous replication forgets writes that it has acknowledged, and with R = W = 1 a read may miss one.
  Each is cheap for that reason.
- **A lease** is a request, a grant and a release, and its token a write; to renew it takes no write. The fencing token
  travels in messages that go anyway: safety costs nothing more. A lock service that was down has to wait until a lease that
  it does not remember is over: the longer the lease, the longer that. Who compares and sets needs no lock, and asks again
  where another was faster.
- **The chat** promises that nothing is lost and all stands in order, not what a write of a store does: compare its two rows
  with one another. Raft takes two messages and a write more for its third server; both have as many round trips.
COST
"$faultline" cost --seeds "${COST_SEEDS:-100}" --markdown tests/cost
