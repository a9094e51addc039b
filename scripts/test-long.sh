#!/bin/bash
# What `make test-long` runs after `make test`: sanitizers on all tests, more random
# sequences, longer fuzzing, the oracle's own test, fresh recordings.
#
# Takes SLUICE and PYTHON from the environment, as the Makefile sets them. Recording needs root.
set -euo pipefail
cd "$(dirname "$0")/.."
step=scripts/step.sh

$step --figures "generated code (all)" scripts/generate.sh --check
# `make test` has had the others: in one process with them, those that wait for time come too late.
$step --figures "the rest (asan)" scripts/sanitize.sh address "ConfigTests|GatewayTests|TrafficGeneratorTests"
$step --figures "core (tsan, 30 sequences)" env SLUICE_SEQUENCES=30 \
  scripts/sanitize.sh thread "DataplaneTests|PacketIOTests|SequenceTests|ConfigTests|GatewayTests.Se"
$step --figures "swift test (200 sequences)" env SLUICE_SEQUENCES=200 \
  swift test -c release --disable-testable-imports --filter RobustnessTests
$step --figures "fuzz (long)" scripts/fuzz.sh 120

$step --figures "api (long)" "$PYTHON" Tests/API/run.py --sluice "$SLUICE" --long --filter full_speed
$step --figures "live (long)" "$PYTHON" Tests/Live/live.py --sluice "$SLUICE" --long \
  --filter soak killed_long
$step --figures "oracle's own test" "$PYTHON" Tests/Interop/selftest.py

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
$step "record captures" scripts/record-captures.sh "$work"
# libpcap mangles the inner tag of some double-tagged packets it cooks: those are malformed, and dropped.
rm -f "$work/cooked-v1-vlan.pcap"
$step "oracle on them" "$PYTHON" Tests/Interop/oracle.py --sluice "$SLUICE" "$work"/*.pcap
