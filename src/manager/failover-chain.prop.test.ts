import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chainOf, ended } from './testing/failover-chain.ts';
import { put, writerBench, writerIn } from './testing/writer-bench.ts';

test('the chain holds whatever answers are lost and whoever leads', async () => {
  const step = fc.record({
    count: fc.integer({ min: 1, max: 3 }),
    trouble: fc.constantFrom('none', 'lost', 'evaluated', 'readOnly', 'newLeader'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
      let it = await writerBench();
      let number = 0;
      for (const { count, trouble } of steps) {
        if (trouble === 'newLeader') {
          await it.leadership.resign();
          it = await writerIn(it.world, 'm-1');
        }
        it.world.store.setReadOnly(trouble === 'readOnly' ? 'full' : null);
        if (trouble === 'lost' || trouble === 'evaluated') {
          it.world.store.makeNextWriteAmbiguous('m-1', trouble);
        }
        const changes = Array.from({ length: count }, () => put(ended((number += 1))));
        await it.world.wait(it.writer.commit(changes, []));
      }
      expect(chainOf(it.world)).toBeInstanceOf(Array);
    }),
    { numRuns: 40 },
  );
});
