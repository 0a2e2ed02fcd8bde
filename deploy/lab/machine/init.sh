#!/bin/bash
# init.sh NODE_DIR
# Process 1 of a lab node: makes the file systems its own, then keeps the services running, as an
# init system would. NODE_DIR/services holds NAME.run (what to run), NAME.off (do not run it) and
# NAME.pid (which process it is, as seen in here). A line written to NODE_DIR/bell makes it look at once.
set -u
here=$1
# shellcheck source=/dev/null
. "$here/machine.env"
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root

own_file_systems() {
  # Copies of the host's namespace mounts would keep namespaces alive that were deleted.
  local where
  for where in /run/netns/*; do umount -l "$where" 2>/dev/null; done
  umount -l /run/netns 2>/dev/null
  # This sysfs shows the node's network cards, and none of the control groups it lives in.
  mount -t proc proc /proc && mount -t sysfs sysfs /sys || return 1

  # An empty /run, as after a boot, in which only the lab's own directory may show through.
  mkdir -p "$here/slash-run" && mount -t tmpfs -o mode=755 tmpfs "$here/slash-run" || return 1
  mkdir -p "$here/slash-run/libvirt" "$here/slash-run/lock"
  case $LAB_DIRECTORY in
    /run/*)
      mkdir -p "$here/slash-${LAB_DIRECTORY#/}" &&
        mount --bind "$LAB_DIRECTORY" "$here/slash-${LAB_DIRECTORY#/}" || return 1
      ;;
  esac
  mount --rbind "$here/slash-run" /run || return 1

  local pair
  for pair in run:/run/libvirt etc:/etc/libvirt lib:/var/lib/libvirt \
    log/libvirt:/var/log/libvirt cache:/var/cache/libvirt; do
    mkdir -p "$here/${pair%%:*}" "${pair#*:}" &&
      mount --bind "$here/${pair%%:*}" "${pair#*:}" || return 1
  done
}

own_identity() {
  hostname "$HOST_NAME"
  cat /proc/sys/kernel/random/uuid >"$here/boot-id.new" && mv "$here/boot-id.new" "$here/boot-id"
  mount --bind "$here/boot-id" /proc/sys/kernel/random/boot_id || return 1
  local file
  for file in hosts passwd group machine-id; do
    [ ! -e "/etc/$file" ] || mount --bind "$here/$file" "/etc/$file" || return 1
  done
}

# What would reach the real machine: an agent must never arm its watchdog or reset it by sysrq.
guard_the_host() {
  local device
  for device in /dev/watchdog* /proc/sysrq-trigger; do
    [ ! -e "$device" ] || mount --bind /dev/null "$device" || return 1
  done
}

declare -A pid_of=() start_after=()
tend_services() {
  local now=${EPOCHREALTIME/[.,]/} run name pid
  for run in "$here"/services/*.run; do
    [ -e "$run" ] || continue
    name=${run##*/} name=${name%.run}
    pid=${pid_of[$name]:-}
    if [ -n "$pid" ]; then
      [ ! -d "/proc/$pid" ] || continue
      pid_of[$name]=''
      : >"${run%.run}.pid"
      start_after[$name]=$((now + 500000))
    fi
    [ ! -e "${run%.run}.off" ] || continue
    [ "$now" -ge "${start_after[$name]:-0}" ] || continue
    /bin/sh "$run" </dev/null >>"$here/log/$name.log" 2>&1 9>&- &
    pid_of[$name]=$!
    echo $! >"${run%.run}.pid"
  done
}

own_file_systems && own_identity && guard_the_host || exit 1
rm -f "$here"/services/*.pid
[ -p "$here/bell" ] || mkfifo "$here/bell"
exec 9<>"$here/bell"
: >"$here/ready"
while :; do
  tend_services
  read -r -t 0.25 -u 9 _
done
