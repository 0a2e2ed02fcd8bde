#!/bin/bash
# power.sh NODE_DIR on|off|read
# The power switch of one lab node; the lab and the node's BMC both use it. NODE_DIR/machine.env
# names the namespaces, the control group and the ports.
set -eu
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
here=$1 action=$2
# shellcheck source=/dev/null
. "$here/machine.env"

is_on() {
  local line
  while read -r line; do
    [ "$line" = 'populated 1' ] && return 0
  done <"$GROUP/cgroup.events"
  return 1
}

await() { # await on|off
  local tries
  for ((tries = 0; tries < 1000; tries++)); do
    if is_on; then [ "$1" = on ] && return 0; else [ "$1" = off ] && return 0; fi
    sleep 0.01
  done
  echo "node $HOST_NAME did not turn $1" >&2
  return 1
}

# The cables go first: a machine that lost power sends no farewell, and nothing it had queued for
# its peers or its storage may arrive later. Removing the namespace forgets those queues.
switch_off() {
  local port
  for port in "${PORTS[@]}"; do
    ip -n "$FABRIC" link set "${port%% *}" down 2>/dev/null || true
  done
  echo 1 >"$GROUP/cgroup.kill"
  await off
  echo 0 >"$GROUP/cgroup.freeze" # the flag outlives the processes and would stop the next boot
  for port in "${PORTS[@]}"; do
    ip -n "$FABRIC" link del "${port%% *}" 2>/dev/null || true
  done
  [ ! -e "/run/netns/$NAMESPACE" ] || ip netns del "$NAMESPACE"
}

switch_on() {
  local port name bridge interface mac cidr network link
  for port in "${PORTS[@]}"; do
    read -r name bridge interface mac cidr network <<<"$port"
    link=up
    [ ! -e "$here/cut-$network" ] || link=down
    "$scripts/plug.sh" "$FABRIC" "$NAMESPACE" "$name" "$bridge" "$interface" "$mac" "$cidr" "$link"
  done
  echo 0 >"$GROUP/cgroup.freeze"
  rm -rf "${here:?}/run" "$here/ready"
  mkdir -p "$here/run"
  (
    # Neither the lock of this script nor the sockets of the BMC may live on in the node.
    for fd in "/proc/$BASHPID/fd/"*; do
      fd=${fd##*/}
      [ "$fd" -le 2 ] || eval "exec $fd>&-" 2>/dev/null || true
    done
    cd /
    echo 0 >"$GROUP/cgroup.procs"
    exec setsid nsenter --net="/run/netns/$NAMESPACE" \
      unshare --mount --uts --ipc --pid --fork --kill-child=KILL --propagation private \
      "$scripts/init.sh" "$here" </dev/null >>"$here/log/console.log" 2>&1
  ) &
  await on
}

[ "$action" = read ] || { exec 8>"$here/power.lock" && flock -w 20 8; }
case $action in
  read) if is_on; then echo on; else echo off; fi ;;
  on)
    if [ -e "$here/outlet-a.off" ] && [ -e "$here/outlet-b.off" ]; then
      echo "node $HOST_NAME has no supply" >&2
      exit 1
    fi
    if ! is_on; then
      switch_off
      switch_on
    fi
    ;;
  off) switch_off ;;
  *)
    echo "usage: power.sh NODE_DIR on|off|read" >&2
    exit 2
    ;;
esac
