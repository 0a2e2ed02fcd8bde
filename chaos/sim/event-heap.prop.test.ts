import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventHeap } from './event-heap.ts';
import type { HeapEntry } from './event-heap.ts';

const operations = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('push' as const), atUs: fc.nat({ max: 20 }) }),
    fc.record({ kind: fc.constant('pop' as const) }),
    fc.record({ kind: fc.constant('cancel' as const), which: fc.nat() }),
  ),
  { maxLength: 200 },
);

test('the heap gives what a sorted list would, with any cancellations in between', () => {
  fc.assert(
    fc.property(operations, (steps) => {
      const heap = new EventHeap<HeapEntry>();
      let model: HeapEntry[] = [];
      const popped: [HeapEntry | undefined, HeapEntry | undefined][] = [];
      let sequence = 0;
      for (const step of steps) {
        if (step.kind === 'push') {
          const entry = { atUs: step.atUs, sequence, cancelled: false };
          sequence += 1;
          heap.push(entry);
          model.push(entry);
          model.sort((a, b) => a.atUs - b.atUs || a.sequence - b.sequence);
        } else if (step.kind === 'pop') {
          popped.push([heap.pop(), model.shift()]);
        } else {
          const entry = model[step.which % Math.max(1, model.length)];
          if (entry === undefined) continue;
          heap.cancel(entry);
          model = model.filter((other) => other !== entry);
        }
        expect(heap.size).toBe(model.length);
        expect(heap.peek()).toBe(model[0]);
      }
      for (const [actual, wanted] of popped) expect(actual).toBe(wanted);
    }),
    { numRuns: 100 },
  );
});

test('a heap swept of many cancelled entries keeps the order of the others', () => {
  const heap = new EventHeap<HeapEntry>();
  const entries = Array.from({ length: 5000 }, (_, index) => ({
    atUs: (index * 7919) % 4999,
    sequence: index,
    cancelled: false,
  }));
  for (const entry of entries) heap.push(entry);
  for (const entry of entries) if (entry.sequence % 5 !== 0) heap.cancel(entry);
  const rest = entries.filter((entry) => entry.sequence % 5 === 0);
  rest.sort((a, b) => a.atUs - b.atUs || a.sequence - b.sequence);
  expect(heap.size).toBe(rest.length);
  for (const entry of rest) expect(heap.pop()).toBe(entry);
  expect(heap.pop()).toBeUndefined();
});
