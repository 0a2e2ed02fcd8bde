import { afterAll, beforeAll, describe } from 'vitest';
import { storeConformance } from './conformance.ts';
import { EtcdCluster } from './etcd/etcd-cluster.ts';
import { etcdHarness } from './etcd/etcd-harness.ts';

describe.each([1, 3] as const)('etcd with %i members', (count) => {
  let cluster: EtcdCluster;
  beforeAll(async () => {
    cluster = await EtcdCluster.start(count);
  });
  afterAll(() => cluster.remove());

  storeConformance('etcd', () => Promise.resolve(etcdHarness(cluster)));
});
