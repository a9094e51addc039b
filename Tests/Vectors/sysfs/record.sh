#!/bin/bash
# Copies into DIRECTORY what Sluice reads of this machine's /sys: CPUs, NUMA nodes, devices' nodes.
#
#   Tests/Vectors/sysfs/record.sh DIRECTORY
set -euo pipefail
target=$1
cd /sys
for file in devices/system/cpu/online devices/system/cpu/cpu[0-9]*/topology/thread_siblings_list \
  devices/system/node/node[0-9]*/{cpulist,distance} class/net/*/device/numa_node; do
  [ -f "$file" ] || continue
  mkdir -p "$target/$(dirname "$file")"
  cat "$file" >"$target/$file"
done
for file in devices/system/node/node[0-9]*/meminfo; do
  mkdir -p "$target/$(dirname "$file")"
  grep MemTotal "$file" >"$target/$file"
done
