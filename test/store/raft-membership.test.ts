import { afterEach, beforeEach, expect, test } from 'vitest';
import { operationId } from '../../src/core/model/ids.ts';
import { RaftCluster } from './raft-cluster.ts';

let cluster: RaftCluster;

beforeEach(async () => {
  cluster = await RaftCluster.of(2);
});

afterEach(async () => {
  await cluster.stop();
});

test('O13: of two members the one that is let go votes until it is told, and the other goes on alone', async () => {
  const leader = await cluster.leader();
  const number = leader === 'member-1' ? 2 : 1;
  const { membership } = cluster.store(`member-${number}`);
  const left = membership.left();
  const notYet = Promise.resolve('not yet');
  expect(await Promise.race([left, notYet])).toBe('not yet');
  expect(await cluster.store(leader).membership.remove(number)).toEqual({ kind: 'done' });
  await left;
  cluster.kill(`member-${number}`);
  const written = await cluster.store(leader).txn({
    operation: operationId('alone'),
    compare: [],
    then: [{ kind: 'put', key: 'a', value: '1' }],
  });
  expect(written.kind).toBe('committed');
});
