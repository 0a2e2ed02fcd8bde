import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyOf, type ClusterObject } from '../core/cluster-state.ts';
import { token } from '../core/model/ids.ts';
import { defaultSettings } from '../core/model/settings.ts';
import type { Change } from '../core/plan.ts';
import { eventKey } from './keys.ts';
import { Mirror } from './mirror.ts';
import { failoverRecord, fenceOperation, onlineNode, vmRecord } from './testing/test-objects.ts';
import { eventOf, writerBench, type WriterBench } from './testing/writer-bench.ts';

const number = fc.integer({ min: 1, max: 4 });

const anyObject: fc.Arbitrary<ClusterObject> = fc.oneof(
  fc
    .tuple(number, fc.constantFrom('stopped', 'starting', 'running'), fc.nat(5))
    .map(([of, phase, last]) => vmRecord(of, { phase, lastToken: token(last) })),
  fc
    .tuple(number, fc.constantFrom('online', 'fencing', 'blocked'), fc.boolean())
    .map(([of, phase, cordoned]) => onlineNode(`node-${of}`, { phase, cordoned })),
  fc
    .tuple(number, fc.constantFrom('intent', 'acting', 'proven'))
    .map(([of, phase]) => fenceOperation(of, 'node-1', { phase })),
  number.map((of) => failoverRecord(of, 'node-1')),
  number.map((fence): ClusterObject => ({ kind: 'counters', fence, token: token(fence) })),
  fc.constantFrom(defaultSettings('fast'), defaultSettings('default')),
);

const anyWrite = fc.record({
  puts: fc.array(anyObject, { maxLength: 4 }),
  removes: fc.array(anyObject, { maxLength: 2 }),
  events: fc.nat(3),
  token: fc.constantFrom('put', 'delete', 'none'),
  trouble: fc.constantFrom('none', 'none', 'lost', 'evaluated', 'readOnly'),
});

const removable: ReadonlySet<string> = new Set(['vm', 'node', 'fence', 'failover']);

function changesOf(puts: readonly ClusterObject[], removes: readonly ClusterObject[]): Change[] {
  const byKey = new Map<string, Change>();
  for (const object of removes) {
    const key = keyOf(object);
    if (removable.has(object.kind)) byKey.set(key, { kind: 'delete', key });
  }
  for (const object of puts) byKey.set(keyOf(object), { kind: 'put', object });
  return [...byKey.values()];
}

function contentOf(mirror: Mirror, keys: readonly string[]) {
  const { settings, counters, nodes, vms, fences, failovers, firstEvent, nextEvent } = mirror;
  const objects = [nodes, vms, fences, failovers].map((all) =>
    [...all.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
  );
  const revisions = keys.map((key) => mirror.revisionOf(key));
  return { settings, counters, objects, firstEvent, nextEvent, revisions };
}

async function reloaded(it: WriterBench): Promise<Mirror> {
  const fresh = new Mirror(it.leadership.epoch, it.world.clock, defaultSettings('default'));
  await it.world.wait(fresh.load(it.client));
  return fresh;
}

test('a mirror that followed every write of its leader is what a fresh load gives', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyWrite, { minLength: 1, maxLength: 10 }), async (writes) => {
      const it = await writerBench();
      for (const { puts, removes, events, token: tokenWrite, trouble } of writes) {
        it.world.store.setReadOnly(trouble === 'readOnly' ? 'full' : null);
        if (trouble === 'lost' || trouble === 'evaluated') {
          it.world.store.makeNextWriteAmbiguous('m-1', trouble);
        }
        const extra = {
          ...(tokenWrite === 'put' ? { puts: [{ key: 'token/a', value: '{}' }] } : {}),
          ...(tokenWrite === 'delete' ? { deletes: ['token/a'] } : {}),
        };
        const newEvents = Array.from({ length: events }, () => eventOf('E'));
        await it.world.wait(it.writer.commit(changesOf(puts, removes), newEvents, extra));
        it.world.store.setReadOnly(null);
        const keys = ['barrier', 'token/a', 'settings', 'counters', eventKey(1), eventKey(7)];
        const all = [...keys, ...it.world.store.machine.list('').map((item) => item.key)];
        expect(contentOf(it.mirror, all)).toEqual(contentOf(await reloaded(it), all));
      }
    }),
    { numRuns: 60 },
  );
});
