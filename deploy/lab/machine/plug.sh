#!/bin/bash
# plug.sh FABRIC NAMESPACE PORT BRIDGE INTERFACE MAC CIDR up|down
# Makes the network namespace and its cable into the fabric. Does nothing to what exists already.
set -eu
fabric=$1 namespace=$2 port=$3 bridge=$4 interface=$5 mac=$6 cidr=$7 link=$8

if [ ! -e "/run/netns/$namespace" ]; then
  ip netns add "$namespace"
fi
ip -n "$namespace" link set lo up
if ! ip -n "$fabric" link show "$port" >/dev/null 2>&1; then
  ip -n "$fabric" link add "$port" type veth \
    peer name "$interface" address "$mac" netns "$namespace"
fi
ip -n "$fabric" link set "$port" master "$bridge"
ip -n "$namespace" addr replace "$cidr" dev "$interface"
ip -n "$namespace" link set "$interface" up
ip -n "$fabric" link set "$port" "$link"
