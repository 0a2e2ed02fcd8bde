import { InvalidArgumentError } from 'commander';
import type { LabHost } from './host-faults.ts';
import type { LabPlace } from './lab.ts';

/** `node-1`, `manager-1`, `fabric`; `1` is node-1. */
export function parsePlace(text: string): LabPlace {
  const [, kind = 'node', digits = ''] = /^(?:(node|manager)-)?([1-9]\d?)$/.exec(text) ?? [];
  if (text === 'fabric') return { kind: 'fabric' };
  if (digits === '') throw new InvalidArgumentError('for example node-1, manager-1 or fabric');
  const number = Number(digits);
  return kind === 'manager' ? { kind, manager: number } : { kind: 'node', node: number };
}

export function parseNode(text: string): number {
  const place = parsePlace(text);
  if (place.kind !== 'node') throw new InvalidArgumentError('a node, for example node-1');
  return place.node;
}

export function parseHost(text: string): LabHost {
  const place = parsePlace(text);
  if (place.kind !== 'fabric') return place;
  throw new InvalidArgumentError('the fabric is no machine');
}

/** `30%` as 0.3. */
export function parseShare(text: string): number {
  const value = /^(\d{1,3})%?$/.exec(text)?.[1];
  if (value === undefined || Number(value) > 100) {
    throw new InvalidArgumentError('for example 30%');
  }
  return Number(value) / 100;
}

export function parseMs(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('milliseconds, for example 500');
}
