#!/bin/bash
# guest-kernel.sh DIRECTORY
# Puts what the watchdog guest boots into DIRECTORY, unless it is there: `vmlinux` and the modules of
# Debian's kernel with watchdogs and a disk in it, from the package, which is not installed. Unpacked here, because
# a guest without KVM takes 20 s for it.
set -euo pipefail
directory=${1:?usage: guest-kernel.sh DIRECTORY}
modules='watchdog i6300esb virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk'
missing=
for name in vmlinux $(printf '%s.ko ' $modules); do [ -e "$directory/$name" ] || missing=$name; done
[ -n "$missing" ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
package=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: *\(linux-image-[0-9][^ ]*\)$/\1/p' | head -1)
[ -n "$package" ] || { echo 'guest-kernel: no kernel package is known to apt' >&2; exit 1; }
chmod 755 "$work"
(cd "$work" && apt-get download -qq -o APT::Sandbox::User=root "$package")
mkdir "$work/root"
dpkg-deb --fsys-tarfile "$work"/*.deb | tar -x -C "$work/root" --wildcards './boot/vmlinuz*' './lib/modules/*/kernel/drivers/watchdog/*' './lib/modules/*/kernel/drivers/virtio/*' './lib/modules/*/kernel/drivers/block/virtio_blk.ko*'
mkdir -p "$directory"
for module in $modules; do
  cp "$work"/root/lib/modules/*/kernel/drivers/*/"$module.ko" "$directory/"
done
image=$(echo "$work"/root/boot/vmlinuz*)
offset=$(LC_ALL=C grep -aboP '\xfd7zXZ\x00' "$image" | head -1 | cut -d: -f1)
# What follows the archive in the image is no part of it.
tail -c "+$((offset + 1))" "$image" | xz -dcq >"$work/vmlinux" 2>/dev/null || true
[ "$(head -c 4 "$work/vmlinux" | tail -c 3)" = ELF ] || { echo "guest-kernel: $image holds no kernel" >&2; exit 1; }
mv "$work/vmlinux" "$directory/vmlinux"
