#!/bin/sh
# Runs in a network namespace of its own: a machine whose "real internet" is one host, 192.0.2.10, that serves a
# file.  Starts Seawall there with the uplink on and prints what clients in the world get.
# usage: uplink_stage.sh SEAWALL STATE_DIR WEB_DIR PYTHON
set -eu
seawall="$1 --state-dir $2"
ip link set lo up
ip link add v0 type veth peer name v1
unshare -n sleep 300 & remote=$!
until ip link set v1 netns "$remote" 2>/dev/null && ! ip link show v1 >/dev/null 2>&1; do :; done
trap '$seawall down >&2 || true; kill "$remote" "${web:-$remote}" 2>/dev/null || true' EXIT
ip addr add 192.0.2.1/24 dev v0
ip link set v0 up
ip route add default via 192.0.2.10
nsenter -t "$remote" -n sh -c 'ip link set lo up; ip addr add 192.0.2.10/24 dev v1; ip link set v1 up'
nsenter -t "$remote" -n "$4" -m http.server 8000 --bind 192.0.2.10 --directory "$3" >/dev/null 2>&1 & web=$!

# Until pasta has put its device there, a route leads nowhere and the first try may find nobody.
ask() { $seawall internet -- curl -sS --retry "$1" --retry-all-errors --retry-delay 1 --connect-timeout 1 "$2" || echo nothing; }

$seawall up --listen 127.0.0.1:4566 $5 >"$2.out" 2>&1 &
until [ -e "$2/control.json" ]; do kill -0 $! || { cat "$2.out"; exit 1; }; done
echo "public: $(ask "$6" http://192.0.2.10:8000/file)"
echo "neighbour: $(ask 0 http://10.0.0.1:8000/file 2>/dev/null)"
