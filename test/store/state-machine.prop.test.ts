import fc from 'fast-check';
import { expect, test } from 'vitest';
import { operationId, revision } from '../../src/core/model/ids.ts';
import { decodeCommand, encodeCommand } from '../../src/store/command.ts';
import { decodeState, encodeState } from '../../src/store/snapshot-codec.ts';
import { StateMachine } from '../../src/store/state-machine.ts';
import type { Compare, Transaction, Write } from '../../src/store/store.ts';
import { picturesOf, samePicture, type Picture } from './workload.ts';

const key = fc.constantFrom('a', 'a/b', 'b', 'ä', 'c');
const write: fc.Arbitrary<Write> = fc.oneof(
  fc.record({ kind: fc.constant('put'), key, value: fc.string({ unit: 'binary' }) }),
  fc.record({ kind: fc.constant('delete'), key }),
);
const compare: fc.Arbitrary<Compare> = fc.record({
  key,
  target: fc.constantFrom('create', 'mod'),
  revision: fc.nat(6).map(revision),
});
const transaction: fc.Arbitrary<Transaction> = fc.record({
  operation: fc.nat(30).map((number) => operationId(`op-${number}`)),
  compare: fc.array(compare, { maxLength: 2 }),
  then: fc.array(write, { maxLength: 4 }),
});
const history = fc.array(transaction, { maxLength: 40 });

const pictureOf = (machine: StateMachine): Picture =>
  new Map(machine.list('').map((item) => [item.key, item]));

test('the state machine agrees with a naive model after every transaction', () => {
  fc.assert(
    fc.property(history, (transactions) => {
      const machine = new StateMachine({ historyLimit: 100 });
      const pictures = picturesOf(transactions);
      for (const [index, one] of transactions.entries()) {
        const before = pictureOf(machine);
        const result = machine.apply(one);
        const expected = pictures[index + 1] ?? new Map();
        expect(samePicture(pictureOf(machine), expected)).toBe(true);
        const changed = !samePicture(before, expected);
        expect(result.kind === 'refused' && changed).toBe(false);
      }
    }),
  );
});

test('replaying the watched batches onto an old state gives the new one', () => {
  fc.assert(
    fc.property(history, fc.nat(40), (transactions, start) => {
      const machine = new StateMachine({ historyLimit: 100 });
      for (const one of transactions.slice(0, start)) machine.apply(one);
      const mirror = new Map(pictureOf(machine));
      const from = machine.revision;
      for (const one of transactions.slice(start)) machine.apply(one);
      for (let at = from + 1; at <= machine.revision; at += 1) {
        const batch = machine.batchAt(at);
        expect(batch.revision).toBe(at);
        expect(batch.changes.length).toBeGreaterThan(0);
        for (const change of batch.changes) {
          if (change.current === null) mirror.delete(change.key);
          else mirror.set(change.key, change.current);
        }
      }
      expect(samePicture(mirror, pictureOf(machine))).toBe(true);
    }),
  );
});

test('history and its limit never change a result', () => {
  fc.assert(
    fc.property(history, fc.integer({ min: 1, max: 9 }), (transactions, historyLimit) => {
      const small = new StateMachine({ historyLimit });
      const large = new StateMachine({ historyLimit: 1_000 });
      for (const one of transactions) expect(small.apply(one)).toEqual(large.apply(one));
      expect(small.revision - small.compactedRevision).toBeGreaterThanOrEqual(
        Math.min(historyLimit, small.revision),
      );
      expect(small.revision - small.compactedRevision).toBeLessThanOrEqual(historyLimit * 2);
    }),
  );
});

test('a state that went through a snapshot behaves as the original', () => {
  fc.assert(
    fc.property(history, fc.nat(40), (transactions, cut) => {
      const original = new StateMachine({ historyLimit: 10 });
      for (const one of transactions.slice(0, cut)) original.apply(one);
      const from = decodeState([...encodeState(original.freeze())]);
      const restored = new StateMachine({ historyLimit: 10, from });
      expect(restored.compactedRevision).toBe(original.revision);
      for (const one of transactions.slice(cut)) {
        expect(restored.apply(one)).toEqual(original.apply(one));
      }
      expect(restored.freeze()).toEqual(original.freeze());
    }),
  );
});

test('a command survives the log', () => {
  fc.assert(
    fc.property(transaction, (one) => {
      expect(decodeCommand(encodeCommand(one))).toEqual({ ...one, proposal: null });
      expect(decodeCommand(encodeCommand(one, 'run.7'))).toEqual({ ...one, proposal: 'run.7' });
    }),
  );
});
