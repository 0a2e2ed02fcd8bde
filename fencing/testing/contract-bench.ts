import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import type { FenceDevice } from '../../src/core/model/node.ts';
import type { Env } from '../../src/env/env.ts';
import type { Log, LogFields } from '../../src/env/log.ts';
import { realEnv } from '../../src/env/real/real-env.ts';
import type { FenceCommandResult, FenceContext } from '../driver.ts';
import { ipmiDriver } from '../drivers/ipmi/driver.ts';
import { builtinDrivers } from '../registry.ts';
import { type BmcRig, uniquePassword } from './bmc-rig.ts';
import { type FenceTrial, startTrial } from './fence-trial.ts';
import { SecretWatch } from './secret-watch.ts';
import { waitUntil } from './wait-until.ts';

/** What a deadline may be overrun by. */
const overrunMs = 2000;
/** Test BMCs that may be starting at once; more only take longer, all of them. */
const startsAtOnce = 3;

export interface RigDevice {
  readonly rig: BmcRig;
  readonly identity: string | null;
  /** Default `bmc`. */
  readonly id?: string;
}

/**
 * Runs the real driver and executor against test BMCs and checks, in every case, what must always
 * hold: commands executed at most once, the deadline kept, no child left. Secrets are looked for
 * in the meantime, and whatever was said is kept to be searched for them.
 */
export class ContractBench {
  readonly env: Env;
  readonly watch = new SecretWatch();
  readonly secrets: string[] = [];
  /** Everything that drivers and executions said and logged. */
  readonly said: unknown[] = [];
  readonly #rigs: BmcRig[] = [];
  readonly #starts: Promise<unknown>[] = Array.from({ length: startsAtOnce }, () =>
    Promise.resolve(),
  );

  constructor() {
    this.env = realEnv({ log: this.#recordingLog({}) });
  }

  /** Starts a test BMC that ends with the bench. */
  async rig(start: () => Promise<BmcRig>): Promise<BmcRig> {
    const turn = this.#starts.shift() ?? Promise.resolve();
    const starting = turn.then(start);
    this.#starts.push(starting.catch(() => {}));
    const rig = await starting;
    this.#rigs.push(rig);
    this.guard(rig.user.password);
    return rig;
  }

  /** Has a secret looked for until the bench stops. */
  guard(secret: string): string {
    this.secrets.push(secret);
    this.watch.add(secret);
    return secret;
  }

  wrongPassword(): { readonly password: string } {
    return { password: this.guard(uniquePassword()) };
  }

  context(rig: BmcRig, overrides: Partial<FenceContext> = {}): FenceContext {
    return {
      env: this.env,
      settings: { ...rig.settings, cipherSuite: 3 },
      secrets: { password: rig.user.password },
      timeoutMs: 16_000,
      ...overrides,
    };
  }

  /** Sends `off` and checks what must hold of every outcome. */
  async off(context: FenceContext, rig: BmcRig | null): Promise<FenceCommandResult> {
    const startedMs = performance.now();
    const result = await ipmiDriver.off(context);
    const tookMs = performance.now() - startedMs;
    this.said.push(result);
    assert.ok(tookMs < context.timeoutMs + overrunMs, `took ${tookMs} ms`);
    assert.deepEqual(clientsOf(String(context.settings['host'])), []);
    const arrived = rig?.commands().length ?? 0;
    assert.ok(arrived <= 1, `off arrived ${arrived} times`);
    const denied = result.kind !== 'accepted' && !result.error.mayHaveActed;
    assert.ok(!denied || rig?.power !== 'off', 'executed, and said not to be');
    assert.equal(denied, result.kind === 'rejected');
    return result;
  }

  device(rig: BmcRig, identity: string | null, id = 'bmc'): FenceDevice {
    const settings = { ...rig.settings, cipherSuite: 3 };
    const outlet = `ipmi ${id}`;
    return { id, driver: 'ipmi', settings, identity, settleMs: 2000, outlet };
  }

  /** Runs a fence operation until `done`, stops it and checks that nothing of it is left. */
  async fence(
    levels: readonly (readonly RigDevice[])[],
    done: (trial: FenceTrial) => boolean,
    withinMs: number,
  ): Promise<FenceTrial> {
    const devices = levels.flat();
    const trial = startTrial({
      env: this.env,
      drivers: builtinDrivers(),
      levels: levels.map((level) => ({
        devices: level.map(({ rig, identity, id }) => this.device(rig, identity, id)),
      })),
      secretsOf: (id) => {
        const device = devices.find((each) => (each.id ?? 'bmc') === id);
        return Promise.resolve({ password: device?.rig.user.password ?? '' });
      },
    });
    const said = { readings: trial.readings, attempts: trial.attempts, problems: trial.problems };
    this.said.push(said);
    try {
      await waitUntil(() => done(trial), withinMs, 'a fence operation');
    } catch (error) {
      throw new Error(JSON.stringify(said), { cause: error });
    } finally {
      await trial.execution.stop();
    }
    for (const { rig } of devices) assert.deepEqual(clientsOf(rig.files.address), []);
    assert.equal(trial.execution.outstanding(), false);
    return trial;
  }

  async stop(): Promise<void> {
    this.watch.stop();
    await Promise.all(this.#rigs.map((rig) => rig.stop()));
  }

  #recordingLog(bound: LogFields): Log {
    const write = (fields: LogFields, message: string): void => {
      this.said.push({ ...bound, ...fields, message });
    };
    return {
      debug: write,
      info: write,
      warn: write,
      error: write,
      child: (fields) => this.#recordingLog({ ...bound, ...fields }),
    };
  }
}

/** At least three Off readings of the device `bmc` over the settle time of 2 s. */
export function settled(trial: FenceTrial): boolean {
  const run = trial.offRun('bmc');
  return run.length >= 3 && (run.at(-1)?.atMs ?? 0) - (run[0]?.atMs ?? 0) >= 2000;
}

/** ipmitool processes that talk to this address. */
export function clientsOf(address: string): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      return words[0] === 'ipmitool' && words.includes(address);
    } catch {
      return false;
    }
  });
}
