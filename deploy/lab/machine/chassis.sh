#!/bin/bash
# chassis.sh NODE_DIR BMC_DIR get power [boot …] | set power 0|1 | set reset 1 | …
# What the BMC of a lab node does when it is asked. BMC_DIR/fault chooses how it misbehaves:
#   ok            does what it is told and reports the truth
#   stuck         accepts power commands without effect, reports the truth
#   fail          refuses power commands, reports the truth
#   lieOff        accepts power commands without effect, always reports off
#   lieOn         does what it is told, always reports on
#   slow:SECONDS  as ok, but so late
#   delayed:SECONDS  accepts power commands at once, and carries them out so late
# Every call adds a line "MICROSECONDS WORDS…" to BMC_DIR/calls, and every time that it takes power
# from a machine that has it a line "MICROSECONDS BOOT_ID" to BMC_DIR/cuts.
set -u
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
node=$1 bmc=$2 verb=$3
shift 3
fault=ok
[ ! -e "$bmc/fault" ] || read -r fault <"$bmc/fault"
echo "${EPOCHREALTIME/[.,]/} $verb $*" >>"$bmc/calls"

# A BMC whose machine has no supply has no power either. This one cannot be silent, so it refuses.
if [ -e "$node/outlet-a.off" ] && [ -e "$node/outlet-b.off" ]; then exit 1; fi

case $fault in slow:*) sleep "${fault#slow:}" ;; esac

is_on() { [ "$("$scripts/power.sh" "$node" read)" = on ]; }

reading() {
  case $fault in
    lieOff) echo 0 ;;
    lieOn) echo 1 ;;
    *) if is_on; then echo 1; else echo 0; fi ;;
  esac
}

switch_off() {
  if is_on; then echo "${EPOCHREALTIME/[.,]/} $(cat "$node/boot-id")" >>"$bmc/cuts"; fi
  "$scripts/power.sh" "$node" off
}

carry_out() { # carry_out power|reset VALUE
  case $1.$2 in
    power.0) switch_off ;;
    power.1) "$scripts/power.sh" "$node" on ;;
    reset.*) switch_off && "$scripts/power.sh" "$node" on ;;
    *) return 1 ;;
  esac
}

command() { # command power|reset VALUE
  case $fault in
    stuck | lieOff) ;;
    fail) return 1 ;;
    delayed:*) { sleep "${fault#delayed:}" && carry_out "$1" "$2"; } </dev/null >/dev/null 2>&1 & ;;
    *) carry_out "$1" "$2" ;;
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
