#!/bin/bash
# setup.sh [--quiet]
# Makes a checkout ready for `npm test` and `npm run demo`: the npm packages, and, as root on a
# system with apt, the programs that the lab and the real tests need. Says what it installs, starts
# no service, does nothing twice. Safe to run again and by several at once.
#
# Ends with 1 when the npm packages cannot be installed; for missing programs only where CI=true,
# because everything else works without them. --quiet: no word when there was nothing to do.
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
quiet=no
case ${1-} in
  '') ;;
  --quiet) quiet=yes ;;
  *)
    echo 'usage: setup.sh [--quiet]' >&2
    exit 2
    ;;
esac

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
say() { echo "kennel setup: $*"; }
has() { command -v "$1" >/dev/null 2>&1; }

# The script itself is the lock: no file of its own that could be left behind.
exec 9<"${BASH_SOURCE[0]}"
if has flock && ! flock -w 1200 9; then
  say 'another setup has been running for 20 minutes' >&2
  exit 1
fi

# --- npm packages ---------------------------------------------------------------------------

stamp=$checkout/node_modules/.kennel-setup

lock_hash() { cksum <"$checkout/package-lock.json"; }

packages_are_current() {
  [ -d "$checkout/node_modules" ] || return 1
  [ "$(cat "$stamp" 2>/dev/null)" != "$(lock_hash)" ] || return 0
  # Without a stamp npm's own note tells whether somebody installed since the lock file changed.
  [ ! -e "$stamp" ] && [ "$checkout/node_modules/.package-lock.json" -nt "$checkout/package-lock.json" ]
}

run_npm() { (cd "$checkout" && npm "$@" --no-audit --no-fund --loglevel=error 9<&-); }

# A registry that carries no packages for other platforms makes lock files that name them without
# a version, and `npm ci` refuses those. Nothing that this platform needs is missing then.
only_other_platforms_missing() {
  grep -q 'Missing: .*@ from lock file' "$1" &&
    ! grep -Eq 'Invalid: |Missing: .*@[0-9][^ ]* from lock file' "$1"
}

install_packages() {
  local log
  if packages_are_current; then
    [ -e "$stamp" ] || lock_hash >"$stamp"
    return
  fi
  if ! has npm; then
    say 'npm is missing: install Node.js 22.19 or newer with npm' >&2
    exit 1
  fi
  say 'installing the npm packages (npm ci)'
  log=$(mktemp)
  if ! run_npm ci >"$log" 2>&1 &&
    ! { only_other_platforms_missing "$log" && run_npm install --no-save >"$log" 2>&1; }; then
    grep -m 20 'npm error' "$log" >&2 || cat "$log" >&2
    rm -f "$log"
    say 'npm ci failed, see above' >&2
    exit 1
  fi
  rm -f "$log"
  lock_hash >"$stamp"
  say 'npm packages installed'
}

# --- programs of the system -----------------------------------------------------------------

# What is looked for, and the Debian package that brings it. A path stands for itself.
programs='
  ip                   iproute2
  nft                  nftables
  nsenter              util-linux
  unshare              util-linux
  flock                util-linux
  mount                mount
  as                   binutils
  ld                   binutils
  libvirtd             libvirt-daemon
  virtlogd             libvirt-daemon
  virsh                libvirt-clients
  xmllint              libxml2-utils
  qemu-system-x86_64   qemu-system-x86
  qemu-storage-daemon  qemu-system-common
  ipmi_sim             openipmi
  ipmitool             ipmitool
  fence_dummy          fence-agents
  etcd                 etcd-server
  etcdctl              etcd-client
  strace               strace
  python3              python3
  /usr/lib/python3/dist-packages/pyghmi  python3-pyghmi
  /usr/lib/ganeti/3.0/usr/bin/hbal  ganeti-htools-3.0
'

present() {
  case $1 in
    /*) [ -e "$1" ] ;;
    *) has "$1" ;;
  esac
}

missing_programs() {
  local program package
  while read -r program package; do
    [ -n "$program" ] || continue
    present "$program" || echo "${program##*/} $package"
  done <<<"$programs"
}

names() { cut -d' ' -f1 <<<"$1" | paste -sd' '; }
packages() { cut -d' ' -f2 <<<"$1" | sort -u | paste -sd' '; }

# Something the lab wants cannot be had: an error in CI, a remark elsewhere.
without() { # without MISSING WHY TRY
  say "the lab and the real tests will be skipped, because these are missing: $(names "$1")" >&2
  say "  not installed: $2" >&2
  say "  try: $3" >&2
  [ "${CI-}" != true ] || exit 1
}

# Keeps the installation from starting daemons of its own. The file asks whether this script is
# still alive, so that one left behind by a kill forbids nothing.
policy=/usr/sbin/policy-rc.d
made_policy=no
forbid_services() {
  if [ -e "$policy" ] && ! grep -q 'kennel setup' "$policy"; then return; fi
  printf '#!/bin/sh\n# kennel setup\n! kill -0 %s 2>/dev/null || exit 101\nexit 0\n' $$ >"$policy"
  chmod 755 "$policy"
  made_policy=yes
}
allow_services() { [ "$made_policy" = no ] || rm -f "$policy"; }

run_apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 "$@" 9<&-
}

install_programs() {
  local missing wanted log
  missing=$(missing_programs)
  [ -n "$missing" ] || return 0
  wanted=$(packages "$missing")
  if [ "$(uname -s)" != Linux ]; then
    without "$missing" 'the lab needs Linux' 'use a Linux machine or VM'
    return
  fi
  if ! has apt-get; then
    without "$missing" 'there is no apt-get here' "install what your system calls: $wanted"
    return
  fi
  if [ "$(id -u)" != 0 ]; then
    without "$missing" 'that needs root' "sudo bash $checkout/deploy/setup.sh"
    return
  fi
  say "installing with apt-get, starting no service: $wanted"
  log=$(mktemp)
  trap allow_services EXIT
  forbid_services
  # shellcheck disable=SC2086 # one word for each package
  if ! { run_apt update && run_apt install -y --no-install-recommends $wanted; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
  fi
  rm -f "$log"
  missing=$(missing_programs)
  if [ -n "$missing" ]; then
    without "$missing" 'apt-get failed, see above' "apt-get install $(packages "$missing")"
    return
  fi
  say 'programs installed'
}

install_packages
install_programs
[ "$quiet" = yes ] || [ -n "$(missing_programs)" ] || say 'everything is in place'
