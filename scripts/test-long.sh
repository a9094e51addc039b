#!/bin/bash
# What `make test-long` runs after `make test`: sanitizers, the oracle's own test, fresh recordings.
#
# Takes SLUICE and PYTHON from the environment, as the Makefile sets them. Recording needs root.
set -euo pipefail
cd "$(dirname "$0")/.."
step=scripts/step.sh

# An own scratch path, so that the release build is not rebuilt. Leaks are not looked for: Swift's runtime
# keeps what it makes once. ThreadSanitizer is not run: Swift 6.3.1 crashes compiling addressors for it.
$step --figures "swift test (asan)" env ASAN_OPTIONS=detect_leaks=0 \
  swift test -c release --disable-testable-imports --scratch-path .build-asan --sanitize address

$step --figures "oracle's own test" "$PYTHON" Tests/Interop/selftest.py

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
$step "record captures" scripts/record-captures.sh "$work"
# libpcap mangles the inner tag of some double-tagged packets it cooks: those are malformed, and dropped.
rm -f "$work/cooked-v1-vlan.pcap"
$step "oracle on them" "$PYTHON" Tests/Interop/oracle.py --sluice "$SLUICE" "$work"/*.pcap
