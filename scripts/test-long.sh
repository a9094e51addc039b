#!/bin/bash
# What `make test-long` runs after `make test`: sanitizers, the oracle's own test, fresh recordings.
#
# Takes SLUICE and PYTHON from the environment, as the Makefile sets them. Recording needs root.
set -euo pipefail
cd "$(dirname "$0")/.."
step=scripts/step.sh

# Own scratch paths, so that the release build is not rebuilt. Leaks are not looked for: Swift's runtime
# keeps what it makes once.
sanitize() {   # sanitize NAME SANITIZER
  $step --figures "swift test ($1)" env ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS=halt_on_error=1 \
    swift test -c release --disable-testable-imports --scratch-path ".build-$1" --sanitize "$2"
}

sanitize asan address
sanitize tsan thread
$step --figures "oracle's own test" "$PYTHON" Tests/Interop/selftest.py

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
$step "record captures" scripts/record-captures.sh "$work"
$step "oracle on them" "$PYTHON" Tests/Interop/oracle.py --sluice "$SLUICE" "$work"/*.pcap
