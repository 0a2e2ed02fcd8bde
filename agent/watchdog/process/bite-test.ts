import type { WatchdogAttestation } from '../../../src/core/model/node.ts';
import { readKept, writeKept } from './kept-file.ts';

/** Between two signs of life that are left on the disk, ms. */
export const biteStepMs = 100;
/** After so many timeouts without a reset the device does not work. */
const patienceRounds = 3;
/** Earlier than this share of the timeout it was something else that reset the machine. */
const leastShare = 0.8;

/** A test under way: the device is not petted since `lastPetMs`, boot-time clock. */
export interface BiteTest {
  readonly bootId: string;
  readonly identity: string;
  readonly timeoutMs: number;
  readonly lastPetMs: number;
  readonly aliveMs: number;
  /** The longest time between two signs of life so far: a slow disk hides as much. */
  readonly gapMs: number;
}

/** What a test showed. Null = the machine was not reset in time, or the test was cut short. */
export interface BiteResult {
  readonly identity: string;
  readonly timeoutMs: number;
  readonly measuredMs: number | null;
}

/**
 * Tests of the device on this machine: no pet until it bites, with signs of life on the disk, which the
 * next boot reads. What a device takes from the last pet to the reset is not in its data sheet, and
 * firmware that takes twice the time says nothing of it (FAILURES N25).
 */
export class BiteTests {
  readonly #path: string;
  #running: BiteTest | null = null;
  #result: BiteResult | null;

  /** Reads what an earlier boot left in `path`, on a disk that outlives a reset. */
  constructor(path: string, bootId: string) {
    this.#path = path;
    const kept = readKept(path);
    const cut = isTest(kept) ? resultOf(kept, bootId) : null;
    this.#result = cut ?? (isResult(kept) ? kept : null);
    if (cut !== null) writeKept(path, cut);
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** What was measured of that very device with that very timeout; null = nothing was. */
  measuredMs({ identity, timeoutMs }: Pick<WatchdogAttestation, 'identity' | 'timeoutMs'>) {
    const result = this.#result;
    const isOfIt = result?.identity === identity && result.timeoutMs === timeoutMs;
    return isOfIt ? result.measuredMs : null;
  }

  begin(test: Omit<BiteTest, 'aliveMs' | 'gapMs'>): void {
    const begun = { ...test, aliveMs: test.lastPetMs, gapMs: biteStepMs };
    writeKept(this.#path, begun);
    this.#running = begun;
  }

  /** A sign of life. False when the device had its time and did not bite: it is petted again. */
  lives(nowMs: number): boolean {
    const test = this.#running;
    if (test === null) return false;
    if (nowMs - test.lastPetMs <= test.timeoutMs * patienceRounds) {
      const gapMs = Math.max(test.gapMs, nowMs - test.aliveMs);
      this.#running = { ...test, aliveMs: nowMs, gapMs };
      writeKept(this.#path, this.#running);
      return true;
    }
    const { identity, timeoutMs } = test;
    this.#running = null;
    this.#result = { identity, timeoutMs, measuredMs: null };
    writeKept(this.#path, this.#result);
    return false;
  }
}

/** Of a test that another boot began. The reset came within one gap of the last sign of life. */
function resultOf(test: BiteTest, bootId: string): BiteResult | null {
  const { identity, timeoutMs } = test;
  if (test.bootId === bootId) return { identity, timeoutMs, measuredMs: null };
  const measuredMs = Math.round(test.aliveMs - test.lastPetMs + test.gapMs);
  const isBite = measuredMs >= timeoutMs * leastShare;
  return { identity, timeoutMs, measuredMs: isBite ? measuredMs : null };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

function isTest(value: unknown): value is BiteTest {
  return (
    isRecord(value) &&
    typeof value['bootId'] === 'string' &&
    typeof value['identity'] === 'string' &&
    ['timeoutMs', 'lastPetMs', 'aliveMs', 'gapMs'].every((key) => typeof value[key] === 'number')
  );
}

function isResult(value: unknown): value is BiteResult {
  return (
    isRecord(value) &&
    typeof value['identity'] === 'string' &&
    typeof value['timeoutMs'] === 'number' &&
    (value['measuredMs'] === null || typeof value['measuredMs'] === 'number') &&
    !('bootId' in value)
  );
}
