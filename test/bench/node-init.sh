#!/bin/bash
# node-init.sh NODE_DIR HOST_NAME
# Process 1 of a bench node. Everything of the node dies with it, and it ends when the bench does.
set -u
here=$1
# Host mounts that go away must go away in here too; what is mounted here is seen nowhere else.
mount --make-rslave / || exit 1
read -r pid _ </proc/self/stat # /proc is still the host's: this is the pid as the host sees it
mount -t proc proc /proc && mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /dev/shm || exit 1
hostname "$2"
# A boot id of its own, new with every boot, as a real machine has.
cat /proc/sys/kernel/random/uuid >"$here/boot-id"
# The host's watchdog and its reset key are nobody's business in here.
for device in /dev/watchdog* /proc/sysrq-trigger; do
  [ ! -e "$device" ] || mount --bind /dev/null "$device" || exit 1
done
echo "$pid"
# Waiting here also reaps the VMs that outlived an agent.
while read -r _; do :; done
