#!/bin/bash
# Stands in for ipmitool where a fence agent drives it. Such an agent gives the password as an
# argument, which every user of the machine can read. Ours is told none; the password lies in a
# comment of the agent's own input, a file in memory that its children can open again. Nor may
# ipmitool ask twice, as it does by itself: a command that is sent again can act twice.
set -euo pipefail

arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    -P | -N | -R) shift 2 ;;
    *)
      arguments+=("$1")
      shift
      ;;
  esac
done
password() { sed -n 's/^#kennel-password=//p' /dev/stdin; }
exec ipmitool -R 1 -N 5 -f <(password) "${arguments[@]}"
