#!/bin/bash
# Records configs/demo.pcap and Tests/Vectors/captures/*.pcap anew: real traffic between two network
# namespaces, with a relay between them that puts on VLAN tags and can lose packets.
#
#   scripts/record-captures.sh [OUTDIR [NAME...]]
#
# With OUTDIR (not empty) all captures go there; with NAMEs (demo, loss, ...) only those are recorded.
# After a new demo.pcap run scripts/recording/sessions.py, which writes its sessions file. Needs root,
# and the packages iproute2, ethtool, tcpdump, curl and python3. Everything it makes
# carries its process id and is removed again; a recording takes 10 to 20 seconds.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
parts=$here/recording
python=/usr/bin/python3
out=${1:-}
[ $# -gt 0 ] && shift
wanted=("$@")

left=sluice-rec-$$-left
right=sluice-rec-$$-right
middle=sluice-rec-$$-middle
work=$(mktemp -d)
pids=()

stop() {   # stop SIGNAL PID: ends a process of ours and waits for it
  kill "-$1" "$2" 2>/dev/null || true
  wait "$2" 2>/dev/null || true
}

stop_all() {
  local pid
  for pid in "${pids[@]}"; do stop TERM "$pid"; done
  pids=()
}

remove_namespaces() {
  local name
  for name in "$left" "$right" "$middle"; do ip netns del "$name" 2>/dev/null || true; done
}

trap 'stop_all; remove_namespaces; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

await() {   # await TEXT FILE PID: until the process has written TEXT
  local tries
  for tries in $(seq 600); do
    grep -q "$1" "$2" 2>/dev/null && return 0
    kill -0 "$3" 2>/dev/null || break
    sleep 0.1
  done
  echo "record-captures: '$1' did not appear:" >&2
  cat "$2" >&2
  exit 1
}

plain_device() {   # plain_device NAMESPACE DEVICE: whole packets with finished checksums only
  ip netns exec "$1" ethtool -K "$2" tx off rx off sg off tso off gso off gro off >/dev/null 2>&1 || true
  ip -n "$1" link set "$2" up
}

wire() {   # wire NAME NET4 NET6 MAC: a device of that name on both hosts, each leading to the middle
  local side number=0
  for side in "$left" "$right"; do
    number=$((number + 1))
    ip -n "$side" link add "$1" type veth peer name "$1-$number" netns "$middle"
    ip -n "$side" link set "$1" address "$4:0$number"
    ip -n "$side" addr add "$2.$number/24" dev "$1"
    ip -n "$side" addr add "$3::$number/64" dev "$1" nodad
    plain_device "$side" "$1"
    plain_device "$middle" "$1-$number"
  done
}

make_namespaces() {
  local name
  for name in "$left" "$right" "$middle"; do
    ip netns add "$name"
    ip -n "$name" link set lo up
    ip netns exec "$name" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
      net.ipv6.conf.default.accept_ra=0
  done
  ip netns exec "$middle" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
  ip -n "$middle" link add mid0 mtu 2000 type veth peer name mid1
  ip -n "$middle" link set mid1 mtu 2000
  plain_device "$middle" mid0
  plain_device "$middle" mid1
  wire plain 10.1.0 fd00:1 02:00:00:00:00
  wire vlan 10.1.100 fd00:100 02:00:00:00:64
  wire qinq 10.1.200 fd00:200 02:00:00:00:c8
  ip -n "$left" neigh add 10.1.0.9 lladdr 02:00:00:00:00:09 dev plain
}

start_relay() {   # start_relay [--loss PERCENT] [--delay MS]
  ip netns exec "$middle" "$python" "$parts/relay.py" "$@" plain-1:plain-2 \
    vlan-1:vlan-2:100 qinq-1:qinq-2:200:300 >"$work/relay" 2>&1 &
  pids+=($!)
  await relaying "$work/relay" $!
}

start_http() {
  local size
  mkdir "$work/www"
  for size in 1 10 50 100 150 200; do head -c $((size * 1024)) /dev/zero >"$work/www/${size}k"; done
  ip netns exec "$right" "$python" -u -m http.server --directory "$work/www" --protocol HTTP/1.1 \
    --bind :: 80 >"$work/http" 2>&1 &
  pids+=($!)
  await Serving "$work/http" $!
}

record() {   # record NAME SCENARIO NAMESPACE [OPTIONS OF TCPDUMP]: runs one scenario, keeps the capture
  local name=$1 scenario=$2 namespace=$3 file target recorder traffic
  shift 3
  file=$work/$name.pcap
  ip netns exec "$namespace" tcpdump -n -U -B 32768 -Z root "$@" -w "$file" 2>"$work/tcpdump" &
  recorder=$!
  pids+=("$recorder")
  await 'listening on' "$work/tcpdump" "$recorder"
  "$python" "$parts/traffic.py" "$scenario" "$left" "$right" >"$work/traffic" 2>&1 &
  traffic=$!
  pids+=("$traffic")
  await done "$work/traffic" "$traffic"
  sleep 0.3
  stop INT "$recorder"
  stop TERM "$traffic"
  grep -q '^0 packets dropped by kernel' "$work/tcpdump" || { cat "$work/tcpdump" >&2; exit 1; }
  target=$(directory_of "$name")/$name.pcap
  mv "$file" "$target"
  echo "$target: $(stat -c %s "$target") bytes"
}

directory_of() {   # directory_of NAME: where that capture belongs
  local directory=${out:-$here/../Tests/Vectors/captures}
  if [ -z "$out" ] && [ "$1" = demo ]; then directory=$here/../configs; fi
  mkdir -p "$directory"
  realpath "$directory"
}

is_wanted() {
  [ ${#wanted[@]} -eq 0 ] || [[ " ${wanted[*]} " == *" $1 "* ]]
}

session() {   # session NAME SCENARIO RELAY-OPTIONS NAMESPACE [TCPDUMP-OPTIONS]: fresh hosts, one recording
  local name=$1 scenario=$2 relay=$3 namespace=$4
  shift 4
  is_wanted "$name" || return 0
  make_namespaces
  # shellcheck disable=SC2086  # the relay's options are words
  if [ "$relay" = tunnel ]; then start_tunnel; else start_relay $relay; fi
  start_http
  record "$name" "$scenario" "$namespace" "$@"
  stop_all
  remove_namespaces
  rm -rf "${work:?}"/*
}

derive() {   # derive NAME FORM FROM: another form of a capture that is there already
  is_wanted "$1" || return 0
  "$python" "$parts/derive.py" "$2" "$(directory_of "$3")/$3.pcap" "$(directory_of "$1")/$1.pcap"
  echo "$(directory_of "$1")/$1.pcap: derived ($2) from $3.pcap"
}

start_tunnel() {
  "$python" "$parts/tun_relay.py" "$left" "$right" >"$work/tunnel" 2>&1 &
  pids+=($!)
  await relaying "$work/tunnel" $!
  local side number=0
  for side in "$left" "$right"; do
    number=$((number + 1))
    ip -n "$side" addr add "10.1.50.$number/24" dev tun
    ip -n "$side" addr add "fd00:50::$number/64" dev tun nodad
    ip -n "$side" link set tun up
  done
}

session demo demo '--delay 2' "$middle" -i mid0
session short-connections short_connections '--delay 1' "$middle" -i mid0
session loss loss '--delay 2 --loss 12' "$middle" -i mid0
session nanosecond mixed '--delay 2' "$middle" -i mid0 --time-stamp-precision=nano
session snap-96 mixed '--delay 2' "$middle" -i mid0 -s 96
session snap-60-ipv4 ipv4 '--delay 2' "$middle" -i mid0 -s 60
session raw-ip tunnel tunnel "$left" -i tun
# What `-i any` sees: one host's own packets, and every packet of the relay up to four times.
session cooked-v2 one_link '--delay 2' "$left" -i any
session cooked-v1-vlan one_link '--delay 2' "$middle" -i any -y LINUX_SLL

derive swapped swap snap-96
derive swapped-nanosecond swap nanosecond
derive bsd-null null raw-ip
derive bsd-null-swapped null-swapped raw-ip
derive bsd-loop loop raw-ip
derive slow slow:40 raw-ip
