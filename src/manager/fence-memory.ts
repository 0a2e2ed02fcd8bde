import type { FenceAttempt } from '../core/model/fence-operation.ts';
import type { PowerReading } from '../core/model/proof.ts';

/** Readings kept of one device. */
const keptReadings = 64;
/** Attempts kept: as many as the record of the operation keeps, so that none seems new to it. */
const keptAttempts = 20;

/** The attempts with one more, oldest first, the last twenty. */
export function withAttempt(
  attempts: readonly FenceAttempt[],
  attempt: FenceAttempt,
): readonly FenceAttempt[] {
  return [...attempts, attempt].slice(-keptAttempts);
}

/**
 * The readings with one more, oldest first, at most 64 of each device: a slow device is not
 * forgotten for a quick one. The beginning of its present run of Off is kept, because a proof asks
 * how long that run has lasted, and the settle time may be longer than its middle can be kept.
 */
export function withReading(
  readings: readonly PowerReading[],
  reading: PowerReading,
): readonly PowerReading[] {
  const all = [...readings, reading];
  const ofDevice = all.filter((one) => one.device === reading.device);
  if (ofDevice.length <= keptReadings) return all;
  const isOneRun = ofDevice.every((one) => one.power === 'off');
  const dropped = ofDevice[isOneRun ? 1 : 0];
  return all.filter((one) => one !== dropped);
}
