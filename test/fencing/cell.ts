import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log, LogFields } from '../../src/env/log.ts';
import { realEnv } from '../../src/env/real/real-env.ts';
import type {
  FenceCommandResult,
  FenceContext,
  FenceErrorCode,
  FenceReading,
} from '../../fencing/driver.ts';
import { SecretWatch } from '../../fencing/testing/secret-watch.ts';
import type { Device, Fault, Stand } from './device.ts';

export interface Cell {
  readonly device: string;
  readonly fault: Fault;
  readonly verdict: 'pass' | 'fail';
  /** What was seen, or why there was nothing to see. */
  readonly reason: string;
}

const overrunMs = 2000;
/** As at enrolment by a manager. */
const probeMs = 60_000;
/** Agents are programs that have to start: on a machine with more to do than it can, that takes longer. */
const timeoutMs = (): number => 16_000 * patience();
const readingMs = (): number => 12_000 * patience();
const patience = (): number =>
  Math.min(6, Math.max(1, (loadavg()[0] ?? 0) / availableParallelism()));
/** A BMC may still be working on what a client no longer waits for. */
const afterwardsMs = 500;

interface Expected {
  /** Whether `off` may be accepted. */
  readonly accepted: boolean;
  /** Errors in which it may end. */
  readonly codes: readonly FenceErrorCode[];
  /** How a failure must end: certainly not executed, or perhaps; null: either. */
  readonly kind: 'rejected' | 'unknown' | null;
  readonly reads: 'on' | 'off' | 'nothing';
}

const expected: Readonly<Record<Fault, Expected>> = {
  ok: { accepted: true, codes: [], kind: null, reads: 'off' },
  'wrong password': {
    accepted: false,
    codes: ['AUTH_PASSWORD'],
    kind: 'rejected',
    reads: 'nothing',
  },
  unreachable: { accepted: false, codes: ['UNREACHABLE'], kind: 'rejected', reads: 'nothing' },
  slow: { accepted: true, codes: ['TIMEOUT'], kind: 'unknown', reads: 'off' },
  stuck: { accepted: true, codes: ['NOT_VERIFIED', 'TIMEOUT'], kind: 'unknown', reads: 'on' },
  'lying on': { accepted: true, codes: ['NOT_VERIFIED', 'TIMEOUT'], kind: 'unknown', reads: 'on' },
  'lying off': { accepted: true, codes: [], kind: null, reads: 'off' },
  busy: { accepted: false, codes: ['BMC_BUSY'], kind: null, reads: 'on' },
  'dies mid-operation': { accepted: false, codes: ['TIMEOUT'], kind: 'unknown', reads: 'nothing' },
  'session exhaustion': {
    accepted: false,
    codes: ['SESSION_LIMIT'],
    kind: 'rejected',
    reads: 'nothing',
  },
  'already off': { accepted: true, codes: [], kind: null, reads: 'off' },
};

/** Tries one fault on one device and says whether the contract of drivers held. */
export async function tryCell(device: Device, fault: Fault): Promise<Cell> {
  const cell = { device: device.name, fault };
  const without = device.without[fault] ?? device.missing;
  if (without !== null && without !== undefined) {
    const isAbsent = device.without[fault] === undefined;
    // What was not tried has not passed; what cannot be has nothing to fail in.
    return { ...cell, verdict: isAbsent ? 'fail' : 'pass', reason: `not applicable: ${without}` };
  }
  const trial = new Trial();
  try {
    const stand = await device.start();
    try {
      const seen = await trial.run(stand, fault);
      const problems = [...judge(device, fault, stand, seen), ...trial.secretProblems(stand)];
      const reason = problems.length === 0 ? seen.text : `${problems.join('; ')} (${seen.text})`;
      return { ...cell, verdict: problems.length === 0 ? 'pass' : 'fail', reason };
    } finally {
      await stand.stop();
    }
  } catch (error) {
    return { ...cell, verdict: 'fail', reason: String(error) };
  } finally {
    trial.stop();
  }
}

/** One for all cells: it looks at every process of the machine, and each of them would. */
let watching: { readonly watch: SecretWatch; cells: number } | null = null;

function joinWatch(): SecretWatch {
  watching ??= { watch: new SecretWatch(), cells: 0 };
  watching.cells += 1;
  return watching.watch;
}

function leaveWatch(): void {
  if (watching === null) return;
  watching.cells -= 1;
  if (watching.cells > 0) return;
  watching.watch.stop();
  watching = null;
}

interface Seen {
  readonly result: FenceCommandResult;
  readonly reading: FenceReading;
  /** The same by another program; null = it was not asked. */
  readonly cross: 'on' | 'off' | 'nothing' | null;
  readonly tookMs: number;
  /** When the call had to be over, for a process that ran all the time. */
  readonly dueMs: number;
  readonly offs: number;
  readonly text: string;
}

class Trial {
  readonly #watch = joinWatch();
  readonly #said: unknown[] = [];

  async run(stand: Stand, fault: Fault): Promise<Seen> {
    for (const secret of secretsOf(stand)) this.#watch.add(secret);
    const base: FenceContext = {
      env: stand.envOf(realEnv({ log: this.#log({}) })),
      settings: stand.settings,
      secrets: stand.secrets,
      timeoutMs: timeoutMs(),
    };
    const report = await stand.driver.probe({ ...base, timeoutMs: probeMs });
    this.#said.push(report);
    if (!report.ok) throw new Error(`enrolment failed: ${JSON.stringify(report.error)}`);
    const { during } = await stand.inflict(fault);
    const context: FenceContext = {
      ...base,
      settings: { ...stand.settings, ...report.learned },
      secrets: fault === 'wrong password' ? stand.wrongSecrets : stand.secrets,
    };
    const held = new HeldUp();
    const startedMs = performance.now();
    const [result] = await Promise.all([stand.driver.off(context), during?.()]);
    const tookMs = performance.now() - startedMs;
    const dueMs = base.timeoutMs + overrunMs + held.stop();
    await delay(afterwardsMs);
    const reading = await stand.driver.status({ ...context, timeoutMs: readingMs() });
    const cross = crossRead(fault) ? ((await stand.crossRead?.()) ?? null) : null;
    this.#said.push(result, reading);
    const error = result.kind === 'accepted' ? '' : ` ${result.error.code}`;
    const read = reading.kind === 'reading' ? reading.power : reading.error.code;
    const offs = stand.offs();
    const text = `off: ${result.kind}${error}, executed ${offs} times, then read: ${read}${cross === null ? '' : ` (freeipmi: ${cross})`}, ${Math.round(tookMs)} ms`;
    return { result, reading, cross, tookMs, dueMs, offs, text };
  }

  secretProblems(stand: Stand): readonly string[] {
    const said = JSON.stringify(this.#said);
    const leak = this.#watch.leakOf(secretsOf(stand));
    return [
      ...(leak === null ? [] : [`a secret was seen in the ${leak.split(' ')[0]} of a process`]),
      ...(secretsOf(stand).some((secret) => said.includes(secret))
        ? ['a secret is in a result or the log']
        : []),
    ];
  }

  stop(): void {
    leaveWatch();
  }

  #log(bound: LogFields): Log {
    const write = (fields: LogFields, message: string): void => {
      this.#said.push({ ...bound, ...fields, message });
    };
    const child = (fields: LogFields): Log => this.#log({ ...bound, ...fields });
    return { debug: write, info: write, warn: write, error: write, child };
  }
}

/** Where the device itself can be asked: freeipmi is given the right password, and time enough. */
function crossRead(fault: Fault): boolean {
  return expected[fault].reads !== 'nothing' && fault !== 'slow' && fault !== 'busy';
}

/** How long this process was kept from running: a call cannot end while nothing of it runs. */
class HeldUp {
  readonly #everyMs = 50;
  readonly #timer: NodeJS.Timeout;
  #dueMs = performance.now() + this.#everyMs;
  #lateMs = 0;

  constructor() {
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      this.#lateMs += Math.max(0, nowMs - this.#dueMs);
      this.#dueMs = nowMs + this.#everyMs;
    }, this.#everyMs);
  }

  /** Ends the count, ms. */
  stop(): number {
    clearInterval(this.#timer);
    return this.#lateMs;
  }
}

function secretsOf(stand: Stand): readonly string[] {
  return [...Object.values(stand.secrets), ...Object.values(stand.wrongSecrets)];
}

function judge(device: Device, fault: Fault, stand: Stand, seen: Seen): readonly string[] {
  const { result, reading, tookMs, dueMs, offs } = seen;
  const wanted = expected[fault];
  const problems: string[] = [];
  if (offs > 1) problems.push(`off was executed ${offs} times`);
  if (tookMs > dueMs) problems.push('the deadline was not kept');
  if (result.kind === 'accepted') {
    if (!wanted.accepted) problems.push('it was accepted');
  } else {
    const { code, mayHaveActed } = result.error;
    if (![...wanted.codes, ...(device.coarse[fault] ?? [])].includes(code)) {
      problems.push(`${code} is not what it is`);
    }
    if (wanted.kind !== null && wanted.kind !== result.kind) problems.push(`it was ${result.kind}`);
    if (mayHaveActed !== (result.kind === 'unknown')) problems.push('kind and error contradict');
    if (!mayHaveActed && offs > 0) problems.push('it was executed, and said not to be');
  }
  const read = reading.kind === 'reading' ? reading.power : 'nothing';
  if (read !== wanted.reads) problems.push(`${read} was read`);
  if (seen.cross !== null && seen.cross !== read) problems.push(`freeipmi reads ${seen.cross}`);
  const truth =
    fault === 'ok' || fault === 'slow' || fault === 'lying on' || fault === 'already off';
  if ((stand.power() === 'off') !== truth && fault !== 'dies mid-operation') {
    problems.push(`the machine is ${stand.power()}`);
  }
  return problems;
}
