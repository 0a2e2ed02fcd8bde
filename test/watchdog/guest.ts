import { spawn, spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const kernel = join(checkout, 'node_modules/.cache/kennel/guest-kernel');

/** A machine that is busy makes everything in a guest without KVM take so much longer. */
const patience = 6;

/** What the guest needs to be built and booted; see deploy/setup.sh. */
export const canBoot =
  existsSync(join(kernel, 'vmlinux')) &&
  ['qemu-system-x86_64', 'busybox'].every((tool) => spawnSync('which', [tool]).status === 0);

export interface GuestCase {
  readonly name: string;
  /** The device's timeout, s. */
  readonly heartbeatS: number;
}

export interface GuestRun {
  /** What it printed, without the mark. */
  readonly lines: readonly string[];
  /** The device fired. */
  readonly bit: boolean;
  /** The guest's uptime when it printed the last line that begins so, s. */
  at(begin: string): number;
  readonly output: string;
}

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
  for (const each of ['watchdog', 'i6300esb']) {
    await put(join(kernel, `${each}.ko`), `modules/${each}.ko`);
  }
  const sources = ['agent/watchdog', 'bin', 'deploy/systemd', 'test/watchdog'];
  const files = ['src/env/real/clock.ts', 'src/env/real/timers.ts', 'package.json'];
  for (const each of [...sources, ...files]) await put(join(checkout, each), `app/${each}`);
  await put(process.execPath, 'bin/node');
  spawnSync('strip', [join(root, 'bin/node')]);
  const needed = spawnSync('ldd', [process.execPath], { encoding: 'utf8' }).stdout;
  for (const library of needed.match(/\/\S+/g) ?? []) await put(library, library.slice(1));
  const initrd = join(work, 'initrd.cpio');
  const pack = `cd '${root}' && find . | busybox cpio -o -H newc >'${initrd}' 2>/dev/null`;
  const packed = spawnSync('sh', ['-c', pack]);
  if (packed.status !== 0) throw new Error('the initial ram disk was not made');
  await rm(root, { recursive: true });
  return { initrd, remove: () => rm(work, { recursive: true, force: true }) };
}

/** Boots the guest with one case and watches until the device fires, the guest ends, or time is over. */
export async function runGuest(initrd: string, of: GuestCase): Promise<GuestRun> {
  const { name, heartbeatS } = of;
  const directory = await mkdtemp(join(tmpdir(), 'kennel-watchdog-qmp-'));
  const qmp = join(directory, 'qmp');
  const words = [
    'console=ttyS0 quiet mitigations=off tsc=unstable no_timer_check panic=-1 rdinit=/init',
    `case=${name} heartbeat=${heartbeatS}`,
  ];
  const args = {
    machine: 'pc',
    accel: 'tcg',
    m: '768',
    smp: '1',
    // Guest time is counted in instructions: a busy host makes nothing late, and idle time costs none.
    icount: 'shift=1,sleep=off',
    display: 'none',
    serial: 'stdio',
    kernel: join(kernel, 'vmlinux'),
    initrd,
    append: words.join(' '),
    device: 'i6300esb',
    action: 'watchdog=reset',
    qmp: `unix:${qmp},server=on,wait=off`,
  };
  const flags = ['-nodefaults', '-no-user-config', '-no-reboot'];
  const all = [...flags, ...Object.entries(args).flatMap(([flag, value]) => [`-${flag}`, value])];
  const qemu = spawn('qemu-system-x86_64', all, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => qemu.once('close', () => resolve()));
  const lines: string[] = [];
  const output: string[] = [];
  let bit = false;
  createInterface({ input: qemu.stdout }).on('line', (raw) => {
    const line = raw.trim();
    output.push(line);
    if (!line.startsWith('KENNEL ')) return;
    lines.push(line.slice('KENNEL '.length));
  });
  qemu.stderr.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  const timer = setTimeout(() => qemu.kill('SIGKILL'), 60_000 * patience);
  void watchQmp(qmp, ended, (event) => {
    if (event === 'WATCHDOG') bit = true;
  });
  await ended;
  clearTimeout(timer);
  await rm(directory, { recursive: true, force: true });
  const uptimeOf = (line: string): number => Number(line.slice(line.lastIndexOf(' ') + 1));
  return {
    lines,
    bit,
    at: (begin) => {
      const found = lines.findLast((line) => line.startsWith(begin));
      if (found === undefined)
        throw new Error(`no line begins with ${begin}:\n${output.join('\n')}`);
      return uptimeOf(found);
    },
    output: output.join('\n'),
  };
}

async function watchQmp(
  path: string,
  ended: Promise<void>,
  onEvent: (event: string) => void,
): Promise<void> {
  const isThere = async (): Promise<boolean> => {
    if (existsSync(path)) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
    return isThere();
  };
  if ((await Promise.race([isThere(), ended])) !== true) return;
  const socket = connect({ path });
  socket.on('error', () => undefined);
  createInterface({ input: socket }).on('line', (line) => {
    const message = JSON.parse(line) as { event?: string };
    if (message.event !== undefined) onEvent(message.event);
  });
  socket.write('{"execute":"qmp_capabilities"}\n');
  await ended;
  socket.destroy();
}
