import type { FenceDevice } from '../../src/core/model/node.ts';
import type { Env } from '../../src/env/env.ts';
import type {
  FenceCommandResult,
  FenceContext,
  FenceDriver,
  FenceErrorCode,
  FenceIdentity,
  FenceReading,
} from '../driver.ts';
import { fenceError } from '../fence-error.ts';

type Call = 'identity' | 'status' | 'off' | 'on';

/** A device in virtual time, bent by its public fields. `calls` tells what it was asked, and when. */
export class FakeDevice {
  readonly id: string;
  readonly calls: { readonly call: Call; readonly atMs: number; readonly timeoutMs: number }[] = [];
  power: 'on' | 'off' = 'on';
  identity: string | null;
  enrolled: string | null;
  settleMs = 2000;
  /** How long a call takes; a call longer than its timeout ends as `TIMEOUT`. */
  latencyMs: (call: Call) => number = () => 40;
  /** The code a call fails with, or null. A command that fails so does nothing. */
  failure: (call: Call) => FenceErrorCode | null = () => null;
  /** What an accepted command does. */
  effect: (command: 'off' | 'on') => void = (command) => {
    this.power = command;
  };
  inFlight = 0;
  mostInFlight = 0;

  constructor(id: string, identity: string | null = `guid-${id}`) {
    this.id = id;
    this.identity = identity;
    this.enrolled = identity;
  }

  get record(): FenceDevice {
    const { id, enrolled, settleMs } = this;
    const outlet = `fake ${id}`;
    return { id, driver: 'fake', settings: { device: id }, identity: enrolled, settleMs, outlet };
  }

  count(call: Call): number {
    return this.calls.filter((each) => each.call === call).length;
  }

  async use(call: Call, context: FenceContext): Promise<FenceErrorCode | null> {
    const { env, timeoutMs, signal } = context;
    this.calls.push({ call, atMs: env.clock.monotonicMs(), timeoutMs });
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    const latencyMs = this.latencyMs(call);
    const aborted = await waitOrAbort(env, Math.min(latencyMs, timeoutMs), signal);
    this.inFlight -= 1;
    if (aborted) return 'CANCELLED';
    return latencyMs > timeoutMs ? 'TIMEOUT' : this.failure(call);
  }
}

/** The driver `fake`: routes calls to fake devices by their settings. */
export function fakeDriver(devices: readonly FakeDevice[]): FenceDriver {
  const find = (context: FenceContext): FakeDevice => {
    const device = devices.find(({ id }) => id === context.settings['device']);
    if (device === undefined) throw new Error('no such fake device');
    return device;
  };
  const command = async (
    call: 'off' | 'on',
    context: FenceContext,
  ): Promise<FenceCommandResult> => {
    const device = find(context);
    const code = await device.use(call, context);
    if (code === null) {
      device.effect(call);
      return { kind: 'accepted', detail: 'done' };
    }
    const error = fenceError(code, `fake ${code}`, 'command');
    return { kind: error.mayHaveActed ? 'unknown' : 'rejected', error };
  };
  return {
    kind: 'fake',
    capabilities: { class: 'power', minIntervalMs: 0, secrets: [], takesFurtherSecrets: false },
    help: { summary: 'a fake', settings: [] },
    place: (settings) => ({ address: `fake ${settings['device']}`, plug: null }),
    parseSettings: () => ({ kind: 'ok', settings: {} }),
    probe: () => Promise.reject(new Error('not used')),
    async identity(context): Promise<FenceIdentity> {
      const device = find(context);
      const code = await device.use('identity', context);
      if (code !== null) return failed(code);
      return { kind: 'identity', identity: device.identity };
    },
    async status(context): Promise<FenceReading> {
      const device = find(context);
      const code = await device.use('status', context);
      if (code !== null) return failed(code);
      return { kind: 'reading', power: device.power, detail: device.power };
    },
    off: (context) => command('off', context),
    on: (context) => command('on', context),
  };
}

function failed(code: FenceErrorCode) {
  return { kind: 'failed', error: fenceError(code, `fake ${code}`, 'reading') } as const;
}

function waitOrAbort(env: Env, delayMs: number, signal: AbortSignal | undefined): Promise<boolean> {
  if (signal?.aborted === true) return Promise.resolve(true);
  return new Promise((resolve) => {
    const timer = env.timers.after(delayMs, () => resolve(false));
    signal?.addEventListener('abort', () => {
      timer.cancel();
      resolve(true);
    });
  });
}

/** Makes the given call fail with the code for the given number of times. */
export function failTimes(
  device: FakeDevice,
  call: Call,
  code: FenceErrorCode,
  times: number,
): void {
  let left = times;
  device.failure = (asked) => {
    if (asked !== call || left === 0) return null;
    left -= 1;
    return code;
  };
}
