import fc from 'fast-check';
import { expect, test } from 'vitest';
import { message } from '../../raft/message.ts';
import type { Entry, Message } from '../../raft/types.ts';
import { mergeAppends } from './merge-appends.ts';

const entry = (index: number): Entry => ({
  index,
  term: 3,
  type: 'normal',
  data: new Uint8Array([index % 256]),
});

function append(to: number, index: number, count: number, commit: number): Message {
  const entries = Array.from({ length: count }, (_, at) => entry(index + 1 + at));
  return message('MsgApp', to, { from: 1, term: 3, logTerm: 3, index, entries, commit });
}

/** Appends to two members, each in the order of its log, now and then with a gap or a heartbeat. */
const traffic = fc.array(
  fc.record({
    to: fc.constantFrom(2, 3),
    count: fc.nat({ max: 3 }),
    gap: fc.constantFrom(0, 0, 0, 1),
    beat: fc.constantFrom(false, false, false, true),
  }),
  { maxLength: 30 },
);

test('each member is told the same entries in the same order, and the same commit in the end', () => {
  fc.assert(
    fc.property(traffic, (steps) => {
      const next = new Map([
        [2, 10],
        [3, 10],
      ]);
      const messages = steps.map(({ to, count, gap, beat }, at): Message => {
        if (beat) return message('MsgHeartbeat', to, { from: 1, term: 3, commit: at });
        const index = (next.get(to) ?? 0) + gap;
        next.set(to, index + count);
        return append(to, index, count, at);
      });
      const merged = mergeAppends(messages);
      const told = (of: readonly Message[], to: number) =>
        of
          .filter((one) => one.to === to)
          .flatMap((one) => [
            ...(one.type === 'MsgHeartbeat' ? ['beat'] : []),
            ...one.entries.map(({ index }) => index),
          ]);
      for (const to of [2, 3]) {
        expect(told(merged, to)).toEqual(told(messages, to));
        const last = (of: readonly Message[]) => of.findLast((one) => one.to === to)?.commit;
        expect(last(merged)).toBe(last(messages));
      }
      for (const { index, entries } of merged) {
        expect(entries.map((one) => one.index)).toEqual(entries.map((_, at) => index + 1 + at));
      }
    }),
  );
});

test('appends of one turn become one message to each member', () => {
  const proposals = [10, 11, 12].flatMap((index) => [
    append(2, index, 1, 9),
    append(3, index, 1, 9),
  ]);
  expect(mergeAppends(proposals)).toEqual([append(2, 10, 3, 9), append(3, 10, 3, 9)]);
});

test('an append of another term or behind a gap stays alone', () => {
  const [first, gap] = [append(2, 10, 1, 9), append(2, 12, 1, 9)];
  const later = { ...append(2, 11, 1, 9), term: 4 };
  expect(mergeAppends([first, gap])).toEqual([first, gap]);
  expect(mergeAppends([first, later])).toEqual([first, later]);
});
