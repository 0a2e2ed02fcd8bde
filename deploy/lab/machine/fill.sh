#!/bin/sh
# fill.sh DIRECTORY
# Fills the file system of DIRECTORY and keeps it full: what is freed meanwhile is taken too.
while :; do
  cat /dev/zero >>"$1/filler" 2>/dev/null
  sleep 0.05
done
