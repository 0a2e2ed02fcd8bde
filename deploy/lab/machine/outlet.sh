#!/bin/bash
# outlet.sh NODE_DIR BMC_DIR a|b get power [boot …] | set power 0|1 | …
# What an outlet of a lab node's supplies does when it is asked; NODE_DIR/outlet-x.off = it is off. The
# node loses power with the last of its outlets and boots when one is back, as a BIOS does that is set
# to. BMC_DIR/pdu-x/fault chooses how it misbehaves: ok, stuck (takes commands without effect), fail
# (refuses them). Calls and cuts are noted as chassis.sh notes them.
set -u
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
node=$1 bmc=$2 outlet=$3 verb=$4
shift 4
here=$bmc/pdu-$outlet
fault=ok
[ ! -e "$here/fault" ] || read -r fault <"$here/fault"
echo "${EPOCHREALTIME/[.,]/} $verb $*" >>"$here/calls"

is_fed() { [ ! -e "$node/outlet-a.off" ] || [ ! -e "$node/outlet-b.off" ]; }

switch_off() {
  : >"$node/outlet-$outlet.off"
  if is_fed; then return 0; fi
  if [ "$("$scripts/power.sh" "$node" read)" = on ]; then
    echo "${EPOCHREALTIME/[.,]/} $(cat "$node/boot-id")" >>"$bmc/cuts"
  fi
  "$scripts/power.sh" "$node" off
}

switch_on() {
  local fed=no
  if is_fed; then fed=yes; fi
  rm -f "$node/outlet-$outlet.off"
  [ "$fed" = yes ] || "$scripts/power.sh" "$node" on
}

command() { # command WHAT VALUE
  case $fault.$1.$2 in
    stuck.*) ;;
    fail.*) return 1 ;;
    *.power.0) switch_off ;;
    *.power.1) switch_on ;;
    *) return 1 ;;
  esac
}

case $verb in
  get)
    for what in "$@"; do
      case $what in
        power) if [ -e "$node/outlet-$outlet.off" ]; then echo power:0; else echo power:1; fi ;;
        *) echo "$what:default" ;;
      esac
    done
    ;;
  set)
    while [ $# -gt 1 ]; do
      command "$1" "$2" >>"$here/outlet.log" 2>&1 || exit 1
      shift 2
    done
    ;;
esac
