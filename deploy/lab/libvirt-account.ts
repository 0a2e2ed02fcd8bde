import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const lines = {
  passwd: 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin',
  group: 'libvirt-qemu:x:64055:',
} as const;

/**
 * libvirtd will not start without the account of its VMs, also where it runs them as root, and only
 * a package that also starts services makes that account. So `passwd` and `group` are copied into
 * a directory, with the account in them, to be mounted over the machine's own.
 */
export function writeAccountFiles(directory: string): void {
  for (const [name, line] of Object.entries(lines)) {
    const text = readFileSync(`/etc/${name}`, 'utf8');
    const isThere = text.includes('libvirt-qemu:');
    writeFileSync(join(directory, name), isThere ? text : `${text.trimEnd()}\n${line}\n`);
  }
}
