#!/bin/bash
# Runs a daemon on the demo capture, adds the demo's sessions to it over gRPC and looks at them for some
# seconds; then replays the capture as fast as it goes, and says what to try next.
#
#   scripts/demo.sh SLUICE
#
# Leaves nothing behind: no process, no socket, no file.
set -euo pipefail
cd "$(dirname "$0")/.."
sluice=$1
directory=$(mktemp -d)
export SLUICE_SOCKET=$directory/control.sock
daemon=

stop() {
  [ -n "$daemon" ] || return 0
  kill "$daemon" 2>/dev/null || true
  # Ctrl-C reaches the daemon too: the second signal ends it at once.
  wait "$daemon" || [ "${status:-0}" -gt 128 ] || echo "demo: the daemon ended with status $?" >&2
  daemon=
}

finish() {
  status=$?
  trap - EXIT INT TERM
  stop
  rm -rf "$directory"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

demo() {   # demo ARGUMENT...: shows a command and runs it
  echo
  echo "\$ sluice $*"
  "$sluice" "$@"
}

# The daemon: two ports fed by the capture, at the pace it was recorded at, again and again.
echo
echo "\$ export SLUICE_SOCKET=$SLUICE_SOCKET"
echo "\$ sluice run --config configs/demo.yaml &"
"$sluice" run --config configs/demo.yaml &
daemon=$!
until "$sluice" show status >/dev/null 2>&1; do
  if ! kill -0 "$daemon" 2>/dev/null; then
    exit 1   # what is wrong it has said
  fi
  sleep 0.1
done

demo session add --file configs/demo-sessions.yaml --inlif 1 --outlif 2
echo
echo "Packets arrive as they did when they were captured: the first sessions are matched, some have ended."
sleep 4
demo session list --limit 12
demo session closed
demo show ports
demo show workers --interval 2 --count 2
demo show drops
demo show sessions
stop

# The same capture and sessions without a daemon, in a moment.
demo replay configs/demo.pcap --sessions configs/demo-sessions.yaml --config configs/demo-replay.yaml \
  --show-sessions
cat <<TEXT

To try next, with PATH=\$PATH:$(dirname "$sluice")
  sluice run --config configs/demo.yaml --socket /tmp/sluice.sock &   the daemon, for the next three
  sluice session add --file configs/demo-sessions.yaml --inlif 1 --outlif 2 --socket /tmp/sluice.sock
  sluice session watch --socket /tmp/sluice.sock                      sessions as they close
  sluice show workers --interval 1 --socket /tmp/sluice.sock          packets a second, CPU a packet
  sluice replay configs/demo.pcap --learn forward                     sessions made from the traffic itself
  sluice replay configs/demo.pcap --learn drop --write out --json     what was dropped is in out/drop.pcap
  sluice session --help, and docs/api.md for clients of your own
TEXT
