import type { Fence, Proof } from './evidence.ts';

/** Off must have been read this many times in a row. */
const leastReadings = 3;

/**
 * Why a proof does not hold by its own evidence, and against the operation that wanted it (null = not
 * known); empty = it does.
 */
export function proofProblems(proof: Proof, fence: Fence | null): readonly string[] {
  switch (proof.kind) {
    case 'powerOff':
      return powerOffProblems(proof);
    case 'newBoot': {
      const problems: string[] = [];
      if (proof.oldBoot === proof.newBoot) problems.push('the new boot is the old one');
      if (fence !== null && fence.incarnation.bootId !== proof.oldBoot) {
        problems.push(
          `it proves boot ${proof.oldBoot} over, wanted was ${fence.incarnation.bootId}`,
        );
      }
      return problems;
    }
    case 'selfFence': {
      const problems = [...selfFenceProblems(proof)];
      if (proof.boundMs <= 0) problems.push('its bound is not positive');
      if (proof.elapsedMs < proof.boundMs) {
        problems.push(`${proof.elapsedMs} ms had passed, the bound is ${proof.boundMs} ms`);
      }
      if (fence !== null && fence.incarnation.isolation !== 'selfFencing') {
        problems.push(`the node was ${fence.incarnation.isolation}, it fences itself never`);
      }
      return problems;
    }
    case 'attested':
      return [
        ...(proof.actor.trim() === '' ? ['nobody is named'] : []),
        ...(proof.reason.trim() === '' ? ['no reason is given'] : []),
      ];
    case 'storageCut':
      return proof.devices.length === 0 ? ['it names no device'] : [];
    case 'kdump':
      return proof.from === '' ? ['it names nobody who announced it'] : [];
    default:
      return proof satisfies never;
  }
}

/** The inequality `elapsed >= (L + G + kW)(1 + rho) + tau` worked out again, and what it rests on. */
function selfFenceProblems(proof: Extract<Proof, { kind: 'selfFence' }>): readonly string[] {
  const { watchdog, leaseTtlMs, graceMs, watchdogMs, watchdogRounds } = proof;
  const problems: string[] = [];
  const worstMs = leaseTtlMs + graceMs + watchdogRounds * watchdogMs;
  const boundMs = worstMs * (1 + proof.clockRateBound) + proof.marginMs;
  // To the next millisecond: the sum may have been added in another order.
  if (proof.boundMs < boundMs - 1) {
    problems.push(`its bound is ${proof.boundMs} ms, its own numbers make ${boundMs} ms`);
  }
  if (watchdogRounds < (watchdog.held ? 2 : 3)) {
    problems.push(`${watchdogRounds} rounds of the watchdog are too few`);
  }
  if (watchdog.strength !== 'strong') problems.push('its watchdog is weak');
  if (!watchdog.nowayout) problems.push('its watchdog could be disarmed');
  if (watchdog.measuredMs === null || watchdog.measuredMs > watchdogMs) {
    problems.push(
      `its watchdog was measured at ${watchdog.measuredMs ?? 'nothing'} ms, it counts ${watchdogMs} ms`,
    );
  }
  return problems;
}

function powerOffProblems(proof: Extract<Proof, { kind: 'powerOff' }>): readonly string[] {
  const problems: string[] = [];
  if (proof.devices.length === 0) problems.push('it names no device');
  let longestMs = 0;
  for (const { device, identity, settleMs, readings } of proof.devices) {
    const say = (text: string): void => void problems.push(`${device}: ${text}`);
    if (readings.length < leastReadings)
      say(`${readings.length} readings, ${leastReadings} are wanted`);
    for (const [index, reading] of readings.entries()) {
      const before = readings[index - 1];
      if (reading.device !== device) say(`a reading of ${reading.device} is among its own`);
      if (reading.power !== 'off') say(`it read ${reading.power}`);
      if (identity !== null && reading.identity !== identity) {
        say(`it called itself ${reading.identity ?? 'nothing'}, enrolled is ${identity}`);
      }
      if (before !== undefined && reading.atMs <= before.atMs) say('its readings are out of order');
    }
    const spanMs = (readings.at(-1)?.atMs ?? 0) - (readings[0]?.atMs ?? 0);
    longestMs = Math.max(longestMs, spanMs);
    if (spanMs < settleMs) say(`Off for ${spanMs} ms, its settle time is ${settleMs} ms`);
  }
  if (proof.silentMs < longestMs) {
    problems.push(`heard ${proof.silentMs} ms before, within the ${longestMs} ms of its readings`);
  }
  return problems;
}
