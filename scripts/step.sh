#!/bin/bash
# Runs one step of a longer job: one line when it succeeds, the end of its output when it fails.
#
#   scripts/step.sh [--figures] NAME COMMAND [ARGUMENT...]
#
# The whole output goes to .build/logs/NAME.log. --figures also shows the last line of a success. A line
# every half a minute says that the step is alive. `times` in the same folder collects seconds and names.
set -uo pipefail

figures=
if [ "$1" = --figures ]; then
  figures=yes
  shift
fi
name=$1
shift
logs=$(cd "$(dirname "$0")/.." && pwd)/.build/logs
mkdir -p "$logs"
log=$logs/${name//[^A-Za-z0-9.-]/-}.log

"$@" >"$log" 2>&1 </dev/null &
child=$!
trap 'kill "$child" 2>/dev/null; wait "$child"; exit 130' INT TERM
SECONDS=0
next=30
while kill -0 "$child" 2>/dev/null; do
  sleep 0.2
  if [ "$SECONDS" -ge "$next" ]; then
    printf '  ..  %4d s  %s: %s\n' "$SECONDS" "$name" "$(tail -n 1 "$log" | cut -c 1-70)"
    next=$((next + 30))
  fi
done
wait "$child"
status=$?
printf '%d\t%s\n' "$SECONDS" "$name" >>"$logs/times"
if [ "$status" -eq 0 ]; then
  printf '  ok  %4d s  %s\n' "$SECONDS" "$name"
  if [ -n "$figures" ]; then printf '              %s\n' "$(tail -n 1 "$log")"; fi
  exit 0
fi
printf 'FAIL  %4d s  %s (exit status %d)\n' "$SECONDS" "$name" "$status"
# The compiler's errors first: they can be far from the end.
grep -E '(error|✘)[: ]' "$log" | head -n 20 | sed 's/^/    /'
echo "    the last lines of ${log}:"
tail -n 25 "$log" | sed 's/^/    /'
printf '\nmake: the step "%s" failed\n' "$name" >&2
exit 1
