import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { MessageChannel } from '../../src/env/network.ts';
import { encodeMessage } from '../../src/store/raft/wire.ts';
import { RaftCluster } from './raft-cluster.ts';

let cluster: RaftCluster;

beforeEach(async () => {
  cluster = await RaftCluster.of(1);
  await cluster.leader();
});

afterEach(async () => {
  await cluster.stop();
});

/** A member of an older store at this address, whose term is far ahead. */
async function oldMember(): Promise<MessageChannel> {
  const dialled = await cluster.network
    .for('member-2')
    .connect({ host: 'member-1', port: 7 }, { expectRole: 'manager', timeoutMs: 1000 });
  if (dialled.kind !== 'connected') throw new Error(dialled.detail);
  return dialled.channel;
}

const heartbeat = (to: number) =>
  encodeMessage({
    type: 'MsgHeartbeat',
    from: 2,
    to,
    term: 50,
    logTerm: 0,
    index: 0,
    entries: [],
    commit: 0,
    vote: 0,
    snapshot: null,
    reject: false,
    rejectHint: 0,
    context: null,
    responses: [],
  });

const term = (): number => cluster.store('member-1').status().term ?? 0;

test('M7: a restored store takes no word from members that mean the store before it', async () => {
  const channel = await oldMember();
  const closed = new Promise<string>((resolve) => channel.onClose(resolve));
  channel.send({ kind: 'memberHello', id: 2, to: 9 });
  channel.send(heartbeat(1));
  expect(await closed).toContain('not from that member to this one');
  expect(term()).toBeLessThan(50);
});

test('the same words count where they are meant for this store', async () => {
  const channel = await oldMember();
  channel.send({ kind: 'memberHello', id: 2, to: 1 });
  channel.send(heartbeat(1));
  await vi.waitFor(() => expect(term()).toBe(50), { timeout: 5000, interval: 5 });
});
