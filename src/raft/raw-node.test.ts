import { describe, expect, it } from 'vitest';
import { BadConfig } from './check-config.ts';
import { InvariantBroken } from './invariant.ts';
import { MemoryStorage } from './memory-storage.ts';
import { message } from './message.ts';
import { RawNode } from './raw-node.ts';
import { quietLogger } from './testing/quiet-logger.ts';
import type { TraceEvent } from './trace.ts';
import type { Config, Id } from './types.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function configOf(voters: readonly Id[], more: Partial<Config> = {}): Config {
  const storage = new MemoryStorage();
  const confState = {
    voters,
    votersOutgoing: [],
    learners: [],
    learnersNext: [],
    autoLeave: false,
  };
  storage.applySnapshot({ index: 2, term: 1, confState, data: new Uint8Array() });
  return {
    id: 1,
    electionTick: 3,
    heartbeatTick: 1,
    storage,
    applied: 2,
    maxSizePerMsg: 1000,
    maxInflightMsgs: 10,
    logger: quietLogger,
    random: () => 0,
    ...more,
  };
}

function work(node: RawNode, { storage }: Config): void {
  for (let round = 0; node.hasReady() && round < 20; round++) {
    const ready = node.ready();
    if (ready.hardState !== null) (storage as MemoryStorage).setHardState(ready.hardState);
    (storage as MemoryStorage).append(ready.entries);
    node.advance();
  }
}

function leader(more: Partial<Config> = {}): { readonly node: RawNode; readonly config: Config } {
  const config = configOf([1], more);
  const node = new RawNode(config);
  node.campaign();
  work(node, config);
  return { node, config };
}

describe('a node', () => {
  it.each([
    [{ id: 0 }, 'noId'],
    [{ id: Number.MAX_SAFE_INTEGER }, 'localTargetAsId'],
    [{ heartbeatTick: 0 }, 'heartbeatTick'],
    [{ electionTick: 1 }, 'electionTick'],
    [{ maxInflightMsgs: 0 }, 'maxInflightMsgs'],
    [{ maxInflightBytes: 999 }, 'maxInflightBytes'],
    [{ readOnly: 'lease-based' as const }, 'leaseReadsWithoutCheckQuorum'],
  ])('does not start with %j', (more, fault) => {
    expect(() => new RawNode(configOf([1], more))).toThrow(BadConfig);
    expect(() => new RawNode(configOf([1], more))).toThrow(fault);
  });

  it('does not start on a log that ends before what it knows to be committed', () => {
    const config = configOf([1]);
    (config.storage as MemoryStorage).setHardState({ term: 3, vote: 0, commit: 9 });
    expect(() => new RawNode(config)).toThrow(InvariantBroken);
  });

  it('takes what is applied for committed, though the commit index was not written', () => {
    const config = configOf([1], { applied: 4 });
    (config.storage as MemoryStorage).setHardState({ term: 1, vote: 1, commit: 3 });
    (config.storage as MemoryStorage).append([
      { index: 3, term: 1, type: 'normal', data: null },
      { index: 4, term: 1, type: 'normal', data: null },
    ]);
    const { hardState, applied } = new RawNode(config).status();
    expect([hardState.commit, applied]).toEqual([4, 4]);
  });

  it('hands committed entries out again after a restart', () => {
    const { node, config } = leader();
    node.propose(bytes('a'));
    work(node, config);
    const again = new RawNode({ ...config, applied: 3 });
    expect(again.ready().committedEntries.map(({ index }) => index)).toEqual([4]);
  });

  it('refuses local messages from others, and answers from who is no member', () => {
    const node = new RawNode(configOf([1, 2]));
    expect(node.step(message('MsgHup', 1, { from: 2 }))).toBe('localMessage');
    expect(node.step(message('MsgStorageAppendResp', 1, { from: 2 }))).toBe('localMessage');
    expect(node.step(message('MsgAppResp', 1, { from: 7, term: 1 }))).toBe('unknownPeer');
    expect(node.hasReady()).toBe(false);
  });

  it('drops a proposal when nobody leads, or too much is uncommitted', () => {
    expect(new RawNode(configOf([1, 2])).propose(bytes('a'))).toBe('proposalDropped');
    const { node, config } = leader({ maxUncommittedEntriesSize: 5 });
    // The first is taken however large it is.
    expect(node.propose(bytes('more than five'))).toBe('ok');
    expect(node.propose(bytes('b'))).toBe('proposalDropped');
    expect(node.propose(new Uint8Array())).toBe('ok');
    work(node, config);
    expect(node.propose(bytes('b'))).toBe('ok');
  });

  it('must be advanced before the next Ready, and never with asynchronous writes', () => {
    const node = new RawNode(configOf([1]));
    node.campaign();
    node.ready();
    expect(() => node.ready()).toThrow(InvariantBroken);
    const async = new RawNode(configOf([1], { asyncStorageWrites: true }));
    expect(() => async.advance()).toThrow(InvariantBroken);
  });

  it('has nothing to do while it follows a leader that it hears', () => {
    const node = new RawNode(configOf([1, 2]));
    node.step(message('MsgHeartbeat', 1, { from: 2, term: 1 }));
    node.ready();
    node.advance();
    node.tick();
    node.tick();
    expect(node.hasReady()).toBe(false);
  });

  it('hands leadership to nobody without a vote', () => {
    const config = configOf([1]);
    const node = new RawNode(config);
    node.campaign();
    work(node, config);
    node.applyConfChange({ version: 1, change: { kind: 'addLearner', id: 2 }, context: null });
    node.transferLeader(2);
    expect(node.status().transferee).toBe(0);
  });

  it('tells each step in the words of the trace specification', () => {
    const events: TraceEvent[] = [];
    leader({ trace: (event) => events.push(event as TraceEvent) });
    expect(events.map(({ name }) => name)).toEqual([
      'InitState',
      'ApplyConfChange',
      'BecomeFollower',
      'BecomeCandidate',
      'SendRequestVoteResponse',
      'Ready',
      'ReceiveRequestVoteResponse',
      'BecomeLeader',
      'Replicate',
      'SendAppendEntriesResponse',
      'Ready',
      'ReceiveAppendEntriesResponse',
      'Commit',
      'Ready',
    ]);
    expect(events[4]).toEqual({
      name: 'SendRequestVoteResponse',
      nid: '1',
      state: { term: 1, vote: '1', commit: 2 },
      role: 'StateCandidate',
      log: 2,
      conf: [['1'], []],
      msg: {
        type: 'MsgVoteResp',
        term: 1,
        from: '1',
        to: '1',
        entries: 0,
        logTerm: 0,
        index: 0,
        commit: 0,
        vote: '0',
        reject: false,
        rejectHint: 0,
      },
      prop: {},
    });
  });
});
