import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const cache = join(checkout, 'node_modules/.cache/kennel/guest-kernel');

export const kernel = join(cache, 'vmlinux');

/** What the guest needs to be built and booted; see deploy/setup.sh. */
export const canBoot =
  existsSync(kernel) &&
  ['qemu-system-x86_64', 'busybox'].every((tool) => spawnSync('which', [tool]).status === 0);

/** Kernel modules of the guest; which of them it loads, and when, its own programs say. */
const modules = [
  'watchdog',
  'i6300esb',
  'virtio',
  'virtio_ring',
  'virtio_pci_legacy_dev',
  'virtio_pci_modern_dev',
  'virtio_pci',
  'virtio_blk',
];

/** Builds the initial ram disk: Node, the holder, the petter and the case, from this checkout. */
export async function buildGuest(): Promise<{ readonly initrd: string; remove(): Promise<void> }> {
  const work = await mkdtemp(join(tmpdir(), 'kennel-watchdog-'));
  const root = join(work, 'root');
  const put = (from: string, to: string): Promise<void> =>
    cp(from, join(root, to), { recursive: true, dereference: true });
  for (const each of ['proc', 'sys', 'dev', 'tmp', 'run', 'bin', 'modules', 'app/src/env/real']) {
    await mkdir(join(root, each), { recursive: true });
  }
  const busybox = spawnSync('which', ['busybox'], { encoding: 'utf8' }).stdout.trim();
  await put(busybox, 'bin/busybox');
  await put(join(checkout, 'test/watchdog/guest-init'), 'init');
  await put(join(checkout, 'test/watchdog/guest-petter'), 'petter');
  await put(join(checkout, 'test/watchdog/guest-stress'), 'stress');
  for (const each of modules) await put(join(cache, `${each}.ko`), `modules/${each}.ko`);
  const sources = ['agent/watchdog', 'bin', 'deploy/systemd', 'test/watchdog'];
  const files = ['src/env/real/clock.ts', 'src/env/real/timers.ts', 'package.json'];
  for (const each of [...sources, ...files]) await put(join(checkout, each), `app/${each}`);
  await put(process.execPath, 'bin/node');
  spawnSync('strip', [join(root, 'bin/node')]);
  const chrt = spawnSync('which', ['chrt'], { encoding: 'utf8' }).stdout.trim();
  await put(chrt, 'bin/chrt');
  const needed = spawnSync('ldd', [process.execPath, chrt], { encoding: 'utf8' }).stdout;
  const libraries = needed.match(/\/\S+(?= \()/g) ?? [];
  for (const library of new Set(libraries)) await put(library, library.slice(1));
  const initrd = join(work, 'initrd.cpio');
  const pack = `cd '${root}' && find . | busybox cpio -o -H newc >'${initrd}' 2>/dev/null`;
  const packed = spawnSync('sh', ['-c', pack]);
  if (packed.status !== 0) throw new Error('the initial ram disk was not made');
  await rm(root, { recursive: true });
  return { initrd, remove: () => rm(work, { recursive: true, force: true }) };
}
