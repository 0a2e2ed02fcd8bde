import { operationId, revision } from '../core/model/ids.ts';
import type { Compare, Transaction, Write } from './store.ts';

/*
 * A transaction as it stands in the log and travels between managers: JSON, because the values are
 * JSON themselves and a person may have to read a log. Arrays instead of objects keep it short.
 */

type WireCompare = readonly ['c' | 'm', string, number];
type WireWrite = readonly ['p', string, string] | readonly ['d', string];
type WireCommand = readonly [
  format: 1,
  operation: string,
  compare: readonly WireCompare[],
  then: readonly WireWrite[],
  proposal?: string,
];

/** Bounds one log record, and the pause that encoding it makes. In UTF-16 units. */
const maxTransactionLength = 512 * 1024;
const maxParts = 1_024;

/**
 * The bytes that go into the log. `proposal` tells one submission from every other, so that whoever
 * made it knows its entry again: operation ids may recur, because the same intent has the same id.
 */
export function encodeCommand(transaction: Transaction, proposal?: string): Uint8Array {
  const command = [
    1,
    transaction.operation,
    transaction.compare.map(wireCompare),
    transaction.then.map(wireWrite),
  ] as const;
  const named: WireCommand = proposal === undefined ? command : [...command, proposal];
  return new TextEncoder().encode(JSON.stringify(named));
}

export interface DecodedCommand extends Transaction {
  readonly proposal: string | null;
}

/** Throws when the bytes are no command of a known format: a newer version wrote this log. */
export function decodeCommand(bytes: Uint8Array): DecodedCommand {
  const wire = JSON.parse(new TextDecoder().decode(bytes)) as WireCommand;
  if (!Array.isArray(wire) || wire[0] !== 1) throw new Error('unknown command format');
  const [, operation, compare, then, proposal] = wire;
  return {
    proposal: proposal ?? null,
    operation: operationId(operation),
    compare: compare.map(([target, key, at]): Compare => {
      const name = target === 'c' ? 'create' : 'mod';
      return { key, target: name, revision: revision(at) };
    }),
    then: then.map((write): Write =>
      write[0] === 'p'
        ? { kind: 'put', key: write[1], value: write[2] }
        : { kind: 'delete', key: write[1] },
    ),
  };
}

/** Why a transaction cannot be taken, or null. Every driver refuses the same ones. */
export function transactionProblem(transaction: Transaction): string | null {
  if (transaction.compare.length + transaction.then.length > maxParts) {
    return `more than ${maxParts} compares and writes`;
  }
  let size = 0;
  for (const write of transaction.then) {
    if (write.key === '') return 'a key is empty';
    size += write.key.length + (write.kind === 'put' ? write.value.length : 0);
  }
  return size > maxTransactionLength ? `larger than ${maxTransactionLength} characters` : null;
}

function wireCompare(compare: Compare): WireCompare {
  return [compare.target === 'create' ? 'c' : 'm', compare.key, compare.revision];
}

function wireWrite(write: Write): WireWrite {
  return write.kind === 'put' ? ['p', write.key, write.value] : ['d', write.key];
}
