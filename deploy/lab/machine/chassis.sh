#!/bin/bash
# chassis.sh NODE_DIR BMC_DIR get power [boot …] | set power 0|1 | set reset 1 | …
# What the BMC of a lab node does when it is asked. BMC_DIR/fault chooses how it misbehaves:
#   ok            does what it is told and reports the truth
#   stuck         accepts power commands without effect, reports the truth
#   fail          refuses power commands, reports the truth
#   lie           accepts power commands without effect, always reports off
#   slow:SECONDS  as ok, but so late
# Every call adds a line "MICROSECONDS WORDS…" to BMC_DIR/calls.
set -u
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
node=$1 bmc=$2 verb=$3
shift 3
fault=ok
[ ! -e "$bmc/fault" ] || read -r fault <"$bmc/fault"
echo "${EPOCHREALTIME/[.,]/} $verb $*" >>"$bmc/calls"

case $fault in slow:*) sleep "${fault#slow:}" ;; esac

reading() {
  if [ "$fault" != lie ] && [ "$("$scripts/power.sh" "$node" read)" = on ]; then echo 1; else echo 0; fi
}

command() { # command power|reset VALUE
  case $fault in
    stuck | lie) return 0 ;;
    fail) return 1 ;;
  esac
  case $1.$2 in
    power.0) "$scripts/power.sh" "$node" off ;;
    power.1) "$scripts/power.sh" "$node" on ;;
    reset.*) "$scripts/power.sh" "$node" off && "$scripts/power.sh" "$node" on ;;
    *) return 1 ;;
  esac
}

case $verb in
  get)
    for what in "$@"; do
      case $what in
        power) echo "power:$(reading)" ;;
        *) echo "$what:default" ;;
      esac
    done
    ;;
  set)
    while [ $# -gt 1 ]; do
      command "$1" "$2" >>"$bmc/chassis.log" 2>&1 || exit 1
      shift 2
    done
    ;;
esac
