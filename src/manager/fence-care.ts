import type { DeviceCheck, FenceDevice, NodeRecord } from '../core/model/node.ts';
import { isSetAside } from '../core/decide/downtime.ts';
import { noteDeviceCheck } from '../core/request/fence-device.ts';
import { isSuspect } from '../core/timing/silence.ts';
import type { Env, Timer } from '../env/env.ts';
import { DeviceAccess, type DeviceAccessOptions } from '../../fencing/device-access.ts';
import type { ProbeReport } from '../../fencing/driver.ts';
import type { FenceSecrets } from './fence-secrets.ts';
import type { Leader } from './leader.ts';
import type { ObservationBook } from './observation-book.ts';

/** How often each device is checked, in ms; each at its own time. */
const everyMs = 60 * 60_000;
/** A device that did not pass is looked at again so soon, in ms. */
const againMs = 60_000;
/** What a leader that has just begun may do first, in ms. */
const firstWithinMs = 5 * 60_000;
/** How often it is seen what is due, in ms. */
const lookMs = 10_000;
const probeTimeoutMs = 60_000;

/** Codes that pass by themselves often enough to be believed only when they come twice. */
const passing: ReadonlySet<string> = new Set([
  'UNREACHABLE',
  'DNS',
  'TIMEOUT',
  'SESSION_LIMIT',
  'BMC_BUSY',
  'CANCELLED',
]);

/** What the last check of a device by this manager came to. */
export interface DeviceLook {
  readonly atMs: number;
  readonly report: ProbeReport;
  /** Null = it can be relied on. */
  readonly error: DeviceCheck['error'];
}

interface FenceCareOptions extends Omit<DeviceAccessOptions, 'secretsOf'> {
  readonly env: Env;
  readonly leader: Pick<Leader, 'mirror' | 'mutate' | 'isLeading'>;
  readonly book: ObservationBook;
  readonly secrets: FenceSecrets;
}

/**
 * Checks every fence device of the cluster on a schedule, with the very credential that would fence,
 * so that a password that ran out is found by day and not in the night of the failure (FAILURES B1,
 * B2). What it sees stays in memory; only a change of it is recorded. One for each leadership.
 */
export class FenceCare {
  readonly #options: FenceCareOptions;
  readonly #dueMs = new Map<string, number>();
  readonly #looks = new Map<string, DeviceLook>();
  readonly #abort = new AbortController();
  #timer: Timer | null = null;

  constructor(options: FenceCareOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = this.#options.env.timers.after(lookMs, () => void this.#round());
  }

  stop(): void {
    this.#abort.abort();
    this.#timer?.cancel();
  }

  /** The last check of a device in this leadership; null = none yet. */
  lookAt(device: string): DeviceLook | null {
    return this.#looks.get(device) ?? null;
  }

  /** Checks a device now, and records what changed. */
  async check(node: NodeRecord, device: FenceDevice): Promise<DeviceLook> {
    const { env, leader, secrets } = this.#options;
    const access = new DeviceAccess(device, {
      ...this.#options,
      secretsOf: (id) => secrets.read(node.id, id),
    });
    const report = await access.probe(probeTimeoutMs, this.#abort.signal);
    const look = {
      atMs: env.clock.monotonicMs(),
      report,
      error: this.#judge(node, device, report),
    };
    const before = this.#looks.get(device.id);
    this.#looks.set(device.id, look);
    const isSure =
      look.error === null || !passing.has(look.error.code) || (before?.error ?? null) !== null;
    this.#dueMs.set(device.id, this.#nextMs(look.error === null ? everyMs : againMs));
    if (!isSure || this.#abort.signal.aborted || this.#isKnown(node, device, look)) return look;
    const noted = await leader.mutate((draft) => {
      const now = draft.node(node.id);
      return now === undefined
        ? { kind: 'ok', value: null }
        : noteDeviceCheck(draft, now, device.id, look.error);
    });
    if (noted.kind === 'problem') {
      env.log.warn(
        { device: device.id, because: noted.problem.because },
        'a check is not recorded',
      );
    }
    return look;
  }

  /** A change that changes nothing would be a write all the same. */
  #isKnown(node: NodeRecord, device: FenceDevice, { error }: DeviceLook): boolean {
    const known = this.#options.leader.mirror.nodes.get(node.id)?.fenceChecks?.[device.id];
    return (known?.error?.code ?? null) === (error?.code ?? null);
  }

  #judge(node: NodeRecord, device: FenceDevice, report: ProbeReport): DeviceCheck['error'] {
    const { error, identity } = report;
    if (!report.ok) return { code: error?.code ?? 'UNKNOWN', detail: error?.detail ?? '' };
    if (identity !== device.identity) {
      const detail = `enrolled is ${device.identity ?? 'none'}, it says ${identity ?? 'none'}`;
      return { code: 'IDENTITY_MISMATCH', detail };
    }
    const level = node.fenceTopology.find(({ devices }) => devices.includes(device));
    // One of several supplies may be off by right.
    const isAlone = level?.devices.length === 1;
    if (report.power !== 'off' || !isAlone || !this.#isHeard(node)) return null;
    return { code: 'BMC_LIED', detail: 'it reads Off while the node is heard' };
  }

  #isHeard(node: NodeRecord): boolean {
    const { book, leader } = this.#options;
    const seen = book.node(node.id);
    return seen.sessionOpen && !isSuspect(seen, book.instant(), leader.mirror.settings.timing);
  }

  async #round(): Promise<void> {
    const due = this.#due();
    if (due !== null) await this.check(due.node, due.device);
    if (!this.#abort.signal.aborted) this.start();
  }

  /** The device whose check is most overdue. A node that is off by intent or by fence is left alone. */
  #due(): { readonly node: NodeRecord; readonly device: FenceDevice } | null {
    const { leader, env } = this.#options;
    if (!leader.isLeading()) return null;
    const nowMs = env.clock.monotonicMs();
    let found: { node: NodeRecord; device: FenceDevice; dueMs: number } | null = null;
    for (const node of leader.mirror.nodes.values()) {
      const isUp = node.phase === 'online' || node.phase === 'quarantined';
      if (!isUp || isSetAside(node)) continue;
      for (const device of node.fenceTopology.flatMap(({ devices }) => devices)) {
        const dueMs = this.#dueMs.get(device.id) ?? this.#first(device.id);
        if (dueMs > nowMs || (found !== null && found.dueMs <= dueMs)) continue;
        found = { node, device, dueMs };
      }
    }
    return found;
  }

  #first(device: string): number {
    const dueMs = this.#nextMs(firstWithinMs);
    this.#dueMs.set(device, dueMs);
    return dueMs;
  }

  /** Some time before the span is over, so that devices are not all asked at once. */
  #nextMs(spanMs: number): number {
    const { clock, random } = this.#options.env;
    return clock.monotonicMs() + spanMs * (0.5 + 0.5 * random.fraction());
  }
}
