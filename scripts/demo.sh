#!/bin/bash
# Plays the demo capture through the demo's sessions, and says what to try next.
#
#   scripts/demo.sh SLUICE
set -euo pipefail
cd "$(dirname "$0")/.."
sluice=$1

arguments=(replay configs/demo.pcap --sessions configs/demo-sessions.yaml --config configs/demo-replay.yaml)
arguments+=(--show-sessions)
echo
echo "\$ sluice ${arguments[*]}"
"$sluice" "${arguments[@]}"
cat <<TEXT

To try next, with PATH=\$PATH:$(dirname "$sluice")
  sluice replay configs/demo.pcap --learn forward                  sessions made from the traffic itself
  sluice replay configs/demo.pcap --learn forward --workers 2      the same totals from two workers
  sluice replay configs/demo.pcap --learn drop --write out --json  what was dropped is in out/drop.pcap
  sluice config check configs/two-ports.yaml                       see docs/configuration.md
  sluice replay --help
TEXT
