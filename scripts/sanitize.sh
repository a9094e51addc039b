#!/bin/bash
# Runs the Swift tests of the core (all but the control API's) under a sanitizer, in a build of its own.
#
#   scripts/sanitize.sh address|thread [FILTER]
#
# FILTER is what `swift test --filter` takes: a regular expression over the tests' names.
set -euo pipefail
cd "$(dirname "$0")/.."
export SLUICE_CORE=1
export SWIFT_BACKTRACE=enable=no

case ${1:-} in
address)
  # Leaks are not looked for: Swift's runtime keeps what it makes once.
  export ASAN_OPTIONS=detect_leaks=0
  path=.build-asan
  ;;
thread)
  # Not one suppression: the first race ends the process.
  export TSAN_OPTIONS=halt_on_error=1
  path=.build-tsan
  ;;
*)
  echo "usage: scripts/sanitize.sh address|thread [FILTER]" >&2
  exit 2
  ;;
esac

exec swift test -c release --disable-testable-imports --scratch-path "$path" --sanitize "$1" \
  -Xswiftc -gnone ${2:+--filter "$2"}
