import { formatAge, formatDuration } from '../duration.ts';

/** A proof as the API gives it: the kind is known, its evidence depends on the kind. */
export interface ProofLike {
  readonly kind: 'powerOff' | 'newBoot' | 'selfFence' | 'kdump' | 'storageCut' | 'attested';
  readonly [field: string]: unknown;
}

/** One sentence: the kind of proof and the evidence it rests on. */
export function proofText(proof: ProofLike): string {
  switch (proof.kind) {
    case 'powerOff':
      return `powerOff: ${powerOffEvidence(proof)}`;
    case 'newBoot':
      return `newBoot: came back as boot ${word(proof['newBoot'])}, was ${word(proof['oldBoot'])}`;
    case 'selfFence':
      return `selfFence: ${age(proof['elapsedMs'])} passed, its bound is ${age(proof['boundMs'])}`;
    case 'kdump':
      return `kdump: the crash kernel announced itself from ${word(proof['from'])}`;
    case 'storageCut':
      return `storageCut: cut off at ${list(proof['devices']).map(word).join(', ')}`;
    case 'attested':
      return `attested by ${word(proof['actor'])}: "${word(proof['reason'])}"`;
    default:
      return proof.kind satisfies never;
  }
}

function powerOffEvidence(proof: ProofLike): string {
  const devices = list(proof['devices']).map(record).map(deviceEvidence);
  const silent = proof['silentMs'];
  const silence = typeof silent === 'number' ? `; node silent for ${age(silent)}` : '';
  return (devices.length === 0 ? 'no device named' : devices.join('; ')) + silence;
}

function deviceEvidence(device: Readonly<Record<string, unknown>>): string {
  const readings = list(device['readings']).map(record);
  const times = readings.map((reading) => reading['atMs']).filter((at) => typeof at === 'number');
  const spanMs = times.length < 2 ? null : Math.max(...times) - Math.min(...times);
  const span = spanMs === null ? '' : ` over ${age(spanMs)}`;
  const settle = device['settleMs'];
  const needed = typeof settle === 'number' ? ` (settle ${formatDuration(settle)})` : '';
  const identity = device['identity'];
  const who = typeof identity === 'string' ? `, identity ${identity}` : ', gives no identity';
  return `${word(device['device'])} read Off ${readings.length} times${span}${needed}${who}`;
}

function age(value: unknown): string {
  return typeof value === 'number' ? formatAge(value) : 'an unknown time';
}

function word(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : 'unknown';
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
