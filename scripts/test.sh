#!/bin/bash
# Everything that `make test` runs after the build, stopping at the first failure.
#
# Takes SLUICE, PYTHON and INSTRUCTION_LIMIT from the environment, as the Makefile sets them.
set -euo pipefail
cd "$(dirname "$0")/.."
step=scripts/step.sh
core="DataplaneTests|PacketIOTests|RobustnessTests"
threads="SPSCRing|SeveralWorkers|SessionBatch|SequenceTests|ReplayQueue"

$step "generated code" scripts/generate.sh --check-descriptors
# Without testable imports the tests use the very modules of the release build; `swift build --build-tests`
# does not know that option and would compile everything again.
# Servers need the few threads that tests share: those that block them run apart.
$step --figures "swift test" swift test -c release --disable-testable-imports --skip ControlAPITests
$step --figures "swift test (api)" swift test -c release --disable-testable-imports --no-parallel \
  --filter ControlAPITests
$step "build allocation-gate" swift build -c release --product allocation-gate
$step --figures "command line" "$PYTHON" Tests/Interop/cli.py --sluice "$SLUICE"
$step "oracle" "$PYTHON" Tests/Interop/oracle.py --sluice "$SLUICE"
$step "bad input" "$PYTHON" Tests/Interop/bad_input.py --sluice "$SLUICE"
$step --figures "api" "$PYTHON" Tests/API/run.py --sluice "$SLUICE"
$step --figures "live" "$PYTHON" Tests/Live/live.py --sluice "$SLUICE"
$step --figures "gate disassembly" "$PYTHON" Tests/Gates/hot-path-disassembly.py "$SLUICE" \
  @Tests/Gates/hot-path.args
$step --figures "gate instructions" "$PYTHON" Tests/Gates/instructions.py "$SLUICE" \
  --limit "$INSTRUCTION_LIMIT"
$step --figures "gate allocations" "$(dirname "$SLUICE")/allocation-gate"

# What threads share and what reads bytes, under both sanitizers; `make test-long` runs all tests so.
$step --figures "core (asan)" scripts/sanitize.sh address "$core"
$step --figures "core (tsan)" scripts/sanitize.sh thread "$threads"
$step --figures "fuzz" scripts/fuzz.sh 10
