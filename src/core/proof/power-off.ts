import type { FenceDevice, FenceLevel } from '../model/node.ts';
import type { PowerReading, Proof } from '../model/proof.ts';

/** Off must be read this many times in a row, whatever the settle time. */
export const minOffReadings = 3;

export interface PowerOffEvidence {
  readonly levels: readonly FenceLevel[];
  /** Readings taken after the intent was committed, oldest first. */
  readonly readings: readonly PowerReading[];
  /** A power command may still be in flight. */
  readonly outstanding: boolean;
  /** Devices that lied in this operation. */
  readonly distrusted: readonly string[];
  /** Last heartbeat of the incarnation in question; null = none heard. */
  readonly lastHeartbeatMs: number | null;
  readonly silentMs: number;
}

export type PowerOffVerdict =
  | { readonly kind: 'holds'; readonly proof: Proof }
  /** What is missing, one sentence per device of the nearest level. */
  | { readonly kind: 'missing'; readonly missing: readonly string[] };

/**
 * The `powerOff` proof (DESIGN §5): one level, all of whose devices read Off at least three times
 * in a row over their settle time, with the enrolled identity, no power command outstanding, and
 * no heartbeat since the first of those readings. Of several supplies one that is Off says nothing
 * while another is on, so the settle time runs from the Off of the last of them, and each is read
 * Off at its end. The return code of a command plays no part.
 */
export function powerOffVerdict(evidence: PowerOffEvidence): PowerOffVerdict {
  if (evidence.levels.length === 0) return { kind: 'missing', missing: ['no fence device'] };
  if (evidence.outstanding) return { kind: 'missing', missing: ['a power command is in flight'] };
  let nearest: readonly string[] | null = null;
  for (const level of evidence.levels) {
    const runs = level.devices.map((device) => ({ device, run: offRun(device, evidence) }));
    const togetherMs = Math.max(...runs.map(({ run }) => run[0]?.atMs ?? Infinity));
    const missing = runs.flatMap(({ device, run }) =>
      missingOf(device, run, { distrusted: evidence.distrusted, togetherMs }),
    );
    if (missing.length === 0 && runs.length > 0) {
      return { kind: 'holds', proof: proofOf(runs, evidence.silentMs) };
    }
    // Of two that lack as much, the later one is the one that is tried.
    if (nearest === null || missing.length <= nearest.length) nearest = missing;
  }
  return { kind: 'missing', missing: nearest ?? [] };
}

/**
 * The latest unbroken run of Off readings of a device that bear its enrolled identity, all taken
 * after the last heartbeat: what was read before a sign of life says nothing about what follows.
 */
function offRun(device: FenceDevice, evidence: PowerOffEvidence): readonly PowerReading[] {
  const run: PowerReading[] = [];
  for (let index = evidence.readings.length - 1; index >= 0; index -= 1) {
    const reading = evidence.readings[index];
    if (reading === undefined || reading.device !== device.id) continue;
    const sameMachine = device.identity === null || reading.identity === device.identity;
    const afterLife = evidence.lastHeartbeatMs === null || reading.atMs > evidence.lastHeartbeatMs;
    if (reading.power !== 'off' || !sameMachine || !afterLife) break;
    run.push(reading);
  }
  return run.reverse();
}

function missingOf(
  device: FenceDevice,
  run: readonly PowerReading[],
  level: {
    readonly distrusted: readonly string[];
    /** Since when all devices of the level have read Off; Infinity = one of them does not. */
    readonly togetherMs: number;
  },
): readonly string[] {
  if (level.distrusted.includes(device.id)) return [`${device.id} lied before`];
  const first = run[0];
  const last = run[run.length - 1];
  if (first === undefined || last === undefined) {
    return [`${device.id} has not read Off since the node was last heard`];
  }
  const sinceMs = level.togetherMs === Infinity ? first.atMs : level.togetherMs;
  if (run.length < minOffReadings || last.atMs - sinceMs < device.settleMs) {
    const overMs = Math.max(0, Math.round(last.atMs - sinceMs));
    return [
      `${device.id} has read Off ${run.length} times over ${overMs} ms, settle time is ${device.settleMs} ms`,
    ];
  }
  return [];
}

function proofOf(
  runs: readonly { readonly device: FenceDevice; readonly run: readonly PowerReading[] }[],
  silentMs: number,
): Proof {
  return {
    kind: 'powerOff',
    silentMs,
    devices: runs.map(({ device, run }) => ({
      device: device.id,
      identity: device.identity,
      settleMs: device.settleMs,
      // The first, and the last that complete the proof, say it all.
      readings: run.length > 8 ? [...run.slice(0, 1), ...run.slice(-7)] : run,
    })),
  };
}
