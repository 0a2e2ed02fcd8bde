import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { kernel } from './guest-image.ts';
import { QmpSession } from './qmp-session.ts';

export interface GuestCase {
  readonly name: string;
  /** The device's timeout, s. */
  readonly heartbeatS: number;
  /** Further words of the kernel's command line. */
  readonly words?: string;
  /** Guest time after which it is over, s. */
  readonly limitS?: number;
  /**
   * The guest runs 2^shift ns of its own time per instruction. Its processor is the slower, and a
   * second that it is busy the cheaper, the larger it is.
   */
  readonly shift?: number;
  /** Told of what it prints, for cases that take long. */
  readonly onLine?: (line: string) => void;
}

export interface GuestRun {
  /** What it printed, without the mark. */
  readonly lines: readonly string[];
  /** Guest time at which the device fired, s, on the clock that `at` tells; null = it did not. */
  readonly firedS: number | null;
  /** The guest's uptime when it printed the last line that begins so, s. */
  at(begin: string): number;
  readonly output: string;
}

/** QEMU's HPET counts the guest's time from the kernel's start, whatever the kernel does. */
const hpetCounter = 0xfed000f0;
const hpetTicksPerS = 100_000_000;
const lookMs = 1000;

/**
 * Boots the guest with one case and watches until the device fires, the case ends, or its time is over.
 * All of it is guest time, counted in instructions: a busy host makes nothing late, and idle time costs
 * none. When the device fires the guest is stopped instead of reset, and its clock is read from outside.
 */
export async function runGuest(initrd: string, of: GuestCase): Promise<GuestRun> {
  const { name, heartbeatS, words = 'panic=-1', limitS = 200, shift = 1, onLine } = of;
  const directory = await mkdtemp(join(tmpdir(), 'kennel-watchdog-qmp-'));
  const path = join(directory, 'qmp');
  const args = {
    machine: 'pc',
    accel: 'tcg',
    m: '768',
    smp: '1',
    icount: `shift=${shift},sleep=off`,
    display: 'none',
    serial: 'stdio',
    kernel,
    initrd,
    append: [
      'console=ttyS0 quiet mitigations=off tsc=unstable no_timer_check rdinit=/init',
      `case=${name} heartbeat=${heartbeatS}`,
      words,
    ].join(' '),
    // A disk that takes and gives at once, so that its cost is the kernel's.
    blockdev: 'driver=null-co,node-name=disk,size=1073741824',
    action: 'watchdog=pause',
    qmp: `unix:${path},server=on,wait=off`,
  };
  const flags = ['-nodefaults', '-no-user-config', '-no-reboot', '-S'];
  const devices = ['-device', 'i6300esb', '-device', 'virtio-blk-pci,drive=disk'];
  const options = Object.entries(args).flatMap(([flag, value]) => [`-${flag}`, value]);
  const all = [...flags, ...options, ...devices];
  const qemu = spawn('qemu-system-x86_64', all, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => qemu.once('close', () => resolve()));
  const lines: string[] = [];
  const output: string[] = [];
  let firedS: number | null = null;
  const isOver = new Promise<void>((resolve) => {
    createInterface({ input: qemu.stdout }).on('line', (raw) => {
      const line = raw.trim();
      output.push(line);
      if (!line.startsWith('KENNEL ')) return;
      lines.push(line.slice('KENNEL '.length));
      onLine?.(line);
      if (line.startsWith('KENNEL case ended')) resolve();
    });
    void ended.then(resolve);
  });
  qemu.stderr.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  try {
    while (!existsSync(path) && qemu.exitCode === null) await delay(20);
    let onFired = (): void => {};
    const fired = new Promise<void>((resolve) => (onFired = resolve));
    const session = await QmpSession.open(path, (event) => {
      if (event === 'WATCHDOG') onFired();
    });
    const readClock = async (): Promise<void> => {
      await fired;
      firedS = await guestTimeS(session);
    };
    await session.run('cont');
    const bite = readClock();
    await Promise.race([
      isOver,
      bite,
      untilGuestTime(session, limitS, () => qemu.exitCode !== null),
    ]);
    session.close();
  } finally {
    qemu.kill('SIGKILL');
    await ended;
    await rm(directory, { recursive: true, force: true });
  }
  const text = output.join('\n');
  return { lines, firedS, at: (begin) => uptimeOf(lines, begin, text), output: text };
}

/** Resolves when the guest's own clock is past the limit, or QEMU has ended. */
async function untilGuestTime(session: QmpSession, limitS: number, hasEnded: () => boolean) {
  while (!hasEnded() && (await guestTimeS(session).catch(() => 0)) < limitS) await delay(lookMs);
}

async function guestTimeS(session: QmpSession): Promise<number> {
  const line = `xp /1gx 0x${hpetCounter.toString(16)}`;
  const said = await session.run('human-monitor-command', { 'command-line': line });
  const ticks = /: (0x[0-9a-f]+)/.exec(String(said))?.[1];
  if (ticks === undefined) throw new Error(`the guest's clock cannot be read: ${String(said)}`);
  return Number(BigInt(ticks)) / hpetTicksPerS;
}

function uptimeOf(lines: readonly string[], begin: string, output: string): number {
  const found = lines.findLast((line) => line.startsWith(begin));
  if (found === undefined) throw new Error(`no line begins with ${begin}:\n${output}`);
  return Number(found.slice(found.lastIndexOf(' ') + 1));
}
