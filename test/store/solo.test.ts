import { expect, test } from 'vitest';
import { SimDisk } from '../../chaos/sim/disk.ts';
import { operationId } from '../../src/core/model/ids.ts';
import { openRaftStore } from '../../src/store/raft/open-raft-store.ts';
import { LocalNetwork } from './local-network.ts';
import { openOn, soloCluster, soloName } from './solo-harness.ts';
import { settle, virtualEnv } from './virtual-env.ts';

test('M7: the first read after a restart of the only member shows what it acknowledged last', async () => {
  const env = virtualEnv();
  const disk = new SimDisk();
  const own = disk.attach('the first');
  const store = await settle(env.time, openOn(own, { env }));
  for (let number = 1; number <= 5; number += 1) {
    const outcome = await settle(
      env.time,
      store.txn({
        operation: operationId(`op-${number}`),
        compare: [],
        then: [{ kind: 'put', key: 'a', value: String(number) }],
      }),
    );
    expect(outcome).toMatchObject({ kind: 'committed' });
  }
  own.kill();
  disk.crash({ content: 'none', names: 'none' });
  const network = new LocalNetwork(soloCluster).for(soloName);
  const again = await openRaftStore({
    env: { ...env, disk, network },
    directory: '/store',
    clusterId: soloCluster,
    listen: null,
    onFatal: (error) => expect.fail(error.message),
  });
  // Asked at once: what is on its disk may not be known to be committed yet.
  const { item } = await settle(env.time, again.get('a'));
  expect(item?.value).toBe('5');
  await settle(env.time, again.close());
});
