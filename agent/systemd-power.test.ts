import { describe, expect, it } from 'vitest';
import type { ProcessRequest, ProcessResult } from '../src/env/processes.ts';
import type { GoingDown } from './host-power.ts';
import { SystemdPower } from './systemd-power.ts';

const exited = (stdout: string, code = 0): ProcessResult => ({
  kind: 'exited',
  code,
  stdout,
  stderr: code === 0 ? '' : 'refused',
});

/** logind of memory: what its properties are, and whether somebody holds a lock. */
class FakeLogind {
  preparing = false;
  metadata = '';
  scheduled = '';
  locks = 0;
  sleepLocks = 0;
  readonly commands: string[] = [];
  readonly #timers: (() => void)[] = [];

  readonly env = {
    processes: { run: (request: ProcessRequest) => this.#run(request) },
    timers: {
      after: (_: number, action: () => void) => {
        this.#timers.push(action);
        return { cancel: () => undefined };
      },
    },
    disk: {
      read: () => Promise.resolve(new TextEncoder().encode(this.scheduled)),
    },
    log: { warn: () => undefined },
  };

  /** All that waits for time runs, and what follows from it. */
  async tick(): Promise<void> {
    for (const action of this.#timers.splice(0)) action();
    await settled();
  }

  #run({ file, arguments: given, signal }: ProcessRequest): Promise<ProcessResult> {
    if (file === 'systemd-inhibit') {
      if (given.includes('--what=sleep')) this.sleepLocks += 1;
      else this.locks += 1;
      return new Promise((resolve) =>
        signal?.addEventListener('abort', () => {
          if (given.includes('--what=sleep')) this.sleepLocks -= 1;
          else this.locks -= 1;
          resolve({ kind: 'killed', because: 'aborted', stdout: '', stderr: '' });
        }),
      );
    }
    const name = given.at(-1) ?? '';
    if (name === 'PreparingForShutdown') return Promise.resolve(exited(`b ${this.preparing}`));
    if (name === 'PreparingForShutdownWithMetadata') {
      return Promise.resolve(this.metadata === '' ? exited('', 1) : exited(this.metadata));
    }
    this.commands.push([file, ...given].join(' '));
    return Promise.resolve(exited(''));
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

async function watched() {
  const logind = new FakeLogind();
  const power = new SystemdPower(logind.env as never, 7);
  const told: (GoingDown | null)[] = [];
  power.watch((kind) => told.push(kind));
  await settled();
  return { logind, power, told };
}

describe('the shutdown of a machine under systemd', () => {
  it('N26: is delayed by a lock until it may go on', async () => {
    const { logind, power, told } = await watched();
    expect([logind.locks, told]).toEqual([1, []]);
    logind.preparing = true;
    logind.metadata = '(ba{sv}) true 1 "type" s "reboot"';
    await logind.tick();
    expect([logind.locks, told]).toEqual([1, ['reboot']]);
    power.letGo();
    await settled();
    expect(logind.locks).toBe(0);
  });

  it('is a reboot also where only the file of a scheduled one says so, and a shutdown otherwise', async () => {
    const scheduled = await watched();
    scheduled.logind.preparing = true;
    scheduled.logind.scheduled = 'USEC=1\nWARN_WALL=1\nMODE=reboot\n';
    await scheduled.logind.tick();
    expect(scheduled.told).toEqual(['reboot']);
    const unknown = await watched();
    unknown.logind.preparing = true;
    await unknown.logind.tick();
    expect(unknown.told).toEqual(['shutdown']);
  });

  it('that is called off is told, and the next one is delayed again', async () => {
    const { logind, power, told } = await watched();
    logind.preparing = true;
    await logind.tick();
    power.letGo();
    await settled();
    logind.preparing = false;
    await logind.tick();
    expect([logind.locks, told]).toEqual([1, ['shutdown', null]]);
  });

  it('is begun by systemctl, sleep is blocked, and nothing is held after the end of the agent', async () => {
    const { logind, power } = await watched();
    expect(await power.goDown('reboot')).toBeNull();
    expect(logind.commands).toEqual(['systemctl --no-wall reboot']);
    expect(logind.sleepLocks).toBe(1);
    power.close();
    await settled();
    expect([logind.locks, logind.sleepLocks]).toEqual([0, 0]);
  });
});
