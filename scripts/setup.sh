#!/bin/bash
# Installs the Debian packages that building and testing need and that are missing; asks nothing.
# Exit status 1, saying what is missing, when it cannot install or there is no usable Swift.
set -euo pipefail

packages=(
  gcc g++ make pkg-config libc6-dev libpcap-dev zlib1g-dev binutils            # building
  python3 python3-scapy python3-yaml tshark tcpdump iproute2 ethtool curl  # tests and recordings
  procps util-linux iperf3 iputils-ping                                    # tests of live ports
  protobuf-compiler libprotobuf-dev protobuf-compiler-grpc                 # tests of the API, make generate
  python3-grpcio python3-protobuf openssl                                  # tests of the API
  wireshark-common                                                         # tests: editcap, mergecap
  valgrind                                                                 # gates
)
swift_wanted=6.2
swift_source=https://www.swift.org/install/linux/

check_swift() {
  local found
  if ! command -v swift >/dev/null; then
    echo "setup: no swift in PATH; Swift $swift_wanted or later is needed: $swift_source" >&2
    return 1
  fi
  found=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1)
  if [ "$(printf '%s\n' "$swift_wanted" "${found:-0}" | sort -V | head -n 1)" != "$swift_wanted" ]; then
    echo "setup: $(command -v swift) is Swift ${found:-of unknown version}; Sluice needs $swift_wanted or" \
      "later: $swift_source" >&2
    return 1
  fi
  echo "setup: Swift $found"
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

install_missing() {
  local package missing=() log
  if ! command -v dpkg-query apt-get >/dev/null; then
    echo "setup: not a Debian system; make sure yourself that these are there: ${packages[*]}"
    return 0
  fi
  for package in "${packages[@]}"; do is_installed "$package" || missing+=("$package"); done
  if [ ${#missing[@]} -eq 0 ]; then
    echo "setup: all packages are there, nothing to install"
    return 0
  fi
  if [ "$(id -u)" -ne 0 ]; then
    echo "setup: missing; as root run: apt-get install --yes --no-install-recommends ${missing[*]}" >&2
    return 1
  fi
  echo "setup: installing ${missing[*]}"
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive
  if ! { apt-get update && apt-get install --yes --no-install-recommends "${missing[@]}"; } \
    >"$log" 2>&1 </dev/null
  then
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "setup: apt-get failed to install ${missing[*]}" >&2
    return 1
  fi
  rm -f "$log"
  echo "setup: installed"
}

install_missing
check_swift
