import { expect, test } from 'vitest';
import { kennel } from '../testing/fake-world.ts';

const line = 'manager rebuild --manager 10.0.0.10:7400 --directory /data';

test('a rebuild names the new number, and where the damaged data lies', async () => {
  const { code, out, world } = await kennel(`${line} -y`);
  expect(code).toBe(0);
  expect(out).toContain('manager-2 begins again as number 4 (it was 2)');
  expect(out).toContain('/data/store.damaged-2 holds the old data');
  expect(world.started).toEqual([
    {
      name: 'rebuildManager',
      options: { directory: '/data', manager: { host: '10.0.0.10', port: 7400 } },
    },
  ]);
});

test('it is asked for first, and a no leaves everything as it is', async () => {
  const { code, errors, world } = await kennel(line, { answers: ['n'] });
  expect(code).toBe(1);
  expect(errors).toContain('nothing was changed');
  expect(world.started).toEqual([]);
});
