import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AcknowledgedChecker } from './acknowledged.ts';
import { FailoverChainChecker } from './failover-chain.ts';
import { GuardChecker } from './guards.ts';
import { LeaseChecker } from './leases.ts';
import { PowerChecker } from './power.ts';
import { groundOf, judge, message, permit, vmRecord, write } from './testing/facts.ts';
import { WaitChecker } from './waits.ts';

const lead = write('leader', { candidate: 'm' });

describe('leases', () => {
  const incarnation = 'boot-1.a';
  const hello = message('left', 'n1', 'm', { kind: 'hello', incarnation: { id: incarnation } });
  const welcome = message('left', 'm', 'n1', { kind: 'welcome', leaseTtlMs: 6000 });
  const beat = (stage: 'left' | 'delivered', sentAtMs = 1000) =>
    message(stage, 'n1', 'm', { kind: 'heartbeat', sequence: 1, sentAtMs });
  const ack = (stage: 'left' | 'delivered', epoch = 1) =>
    message(stage, 'm', 'n1', { kind: 'ack', sequence: 1, epoch, incarnation, lease: true });
  const intent = write('fence/F-1', {
    node: 'n1',
    phase: 'intent',
    incarnation: { id: incarnation },
  });
  const asked = (boottimeMs: number) =>
    ({
      kind: 'startAsked',
      permit: permit('n1', 1),
      node: 'n1',
      boot: 'boot-1',
      boottimeMs,
      stateFile: null,
      ground: groundOf(),
    }) as const;
  const begun = [
    [0, hello],
    [0, welcome],
    [1000, beat('left')],
    [1001, beat('delivered')],
  ] as const;

  it('a heartbeat sent before the intent may still be answered, a later one not', () => {
    expect(judge(new LeaseChecker(), [...begun, [1002, intent], [1003, ack('left')]])).toEqual([]);
    expect(judge(new LeaseChecker(), [[500, intent], ...begun, [1003, ack('left')]])).toHaveLength(
      1,
    );
  });

  it('an operation that was called off holds nothing back', () => {
    const off = write('fence/F-1', {
      node: 'n1',
      phase: 'cancelled',
      incarnation: { id: incarnation },
    });
    expect(
      judge(new LeaseChecker(), [[500, intent], [900, off], ...begun, [1003, ack('left')]]),
    ).toEqual([]);
  });

  it('a leader whose epoch was over when the heartbeat came grants nothing', () => {
    const facts = [
      [0, lead],
      [900, write('leader', null)],
      ...begun,
      [1003, ack('left', lead.revision)],
    ] as const;
    expect(judge(new LeaseChecker(), facts)).toHaveLength(1);
  });

  it('a leader whose epoch is over says nothing, unless it was fooled', () => {
    const command = message(
      'left',
      'm',
      'n1',
      { kind: 'commands', epoch: lead.revision, incarnation, commands: [] },
      5000,
    );
    const over = [
      [0, lead],
      [900, write('leader', null)],
    ] as const;
    expect(judge(new LeaseChecker(), [...over, [5000, command]])).toHaveLength(1);
    const fooled = [
      ...over,
      [1000, { kind: 'leaderFooled', manager: 'm' }],
      [5000, command],
    ] as const;
    expect(judge(new LeaseChecker(), fooled)).toEqual([]);
  });

  it('a start without a lease, and a lease counted too long, are told', () => {
    const granted = [...begun, [1003, ack('left')], [1004, ack('delivered')]] as const;
    expect(judge(new LeaseChecker(), [...granted, [6000, asked(6999)]])).toEqual([]);
    expect(judge(new LeaseChecker(), [...granted, [7000, asked(7000)]])).toHaveLength(1);
    expect(judge(new LeaseChecker(), [...begun, [2000, asked(2000)]])).toHaveLength(1);
    const seen = (leftMs: number) =>
      ({ kind: 'leaseSeen', node: 'n1', incarnation, boottimeMs: 2000, leftMs }) as const;
    expect(judge(new LeaseChecker(), [...granted, [2000, seen(5000)]])).toEqual([]);
    expect(judge(new LeaseChecker(), [...granted, [2000, seen(5010)]])).toHaveLength(1);
  });

  it('W17: a command of an older leader than the agent has met is refused, not obeyed', () => {
    const old = message('delivered', 'm', 'n1', {
      kind: 'commands',
      epoch: 3,
      incarnation,
      commands: [{ kind: 'release', operation: 'o', vm: 'v' }],
    });
    const answer = (kind: string) =>
      message('left', 'n1', 'm', { kind: 'result', operation: 'o', outcome: { kind } });
    const met = [...begun, [1004, ack('delivered', 4)]] as const;
    expect(judge(new LeaseChecker(), [...met, [1100, old], [1101, answer('refused')]])).toEqual([]);
    expect(judge(new LeaseChecker(), [...met, [1100, old], [1101, answer('done')]])).toHaveLength(
      1,
    );
  });
});

describe('power', () => {
  const by = { kind: 'detector', evidence: [] };
  const intent = (phase = 'intent', requestedBy: { readonly kind: string } = by) =>
    write(
      'fence/F-1',
      { node: 'n1', phase, requestedBy, incarnation: { id: 'b.a', bootId: 'b' } },
      groundOf({ n1: 'b' }),
    );
  const beats = (toMs: number) =>
    Array.from(
      { length: toMs / 500 },
      (_, index) => [index * 500, message('arrived', 'n1', 'm', { kind: 'heartbeat' })] as const,
    );
  const cut = { kind: 'powerCut', node: 'n1', boot: 'b', state: 'on' } as const;

  it('I3: a node whose heartbeats reach the leader is not to be fenced', () => {
    expect(
      judge(new PowerChecker(), [[0, lead], ...beats(20_000), [20_000, intent()]]),
    ).toHaveLength(1);
    expect(judge(new PowerChecker(), [[0, lead], ...beats(10_000), [20_000, intent()]])).toEqual(
      [],
    );
  });

  it('I3: an intent that lay without a quorum is judged by what was known when it was proposed', () => {
    const gap = beats(30_000).filter(([atMs]) => atMs < 10_000 || atMs > 14_000);
    const late = [[0, lead], ...gap, [30_000, { ...intent(), proposedAtMs: 14_000 }]] as const;
    expect(judge(new PowerChecker(), late)).toEqual([]);
    const early = [[0, lead], ...gap, [30_000, { ...intent(), proposedAtMs: 9000 }]] as const;
    expect(judge(new PowerChecker(), early)).toHaveLength(1);
    // It is called off then; nobody may act on it.
    expect(judge(new PowerChecker(), [...late, [30_100, intent('acting')]])).toHaveLength(1);
  });

  it('I3: power is cut only under an operation that acts', () => {
    const facts = [
      [0, lead],
      [20_000, intent()],
    ] as const;
    expect(judge(new PowerChecker(), [...facts, [20_100, cut]])).toHaveLength(1);
    expect(
      judge(new PowerChecker(), [...facts, [20_050, intent('acting')], [20_100, cut]]),
    ).toEqual([]);
    expect(judge(new PowerChecker(), [[1, { ...cut, state: 'off' }]])).toEqual([]);
  });

  it('N18: most nodes at once are powered off only when a person took the incident on', () => {
    const nodes = ['n1', 'n2', 'n3'].map(
      (id) => [0, write(`node/${id}`, { incarnation: { id: `${id}-boot.a` } })] as const,
    );
    const storm = (phase: string) =>
      ['n1', 'n2'].map((node) => [20_000, write(`fence/F-${node}`, { node, phase })] as const);
    const facts = [[0, lead] as const, ...nodes, ...storm('intent')];
    const acting = [20_000, write('fence/F-n1', { node: 'n1', phase: 'acting' })] as const;
    expect(judge(new PowerChecker(), [...facts, acting])).toEqual([
      'fence/F-n1 acts against n1 while 2 of 3 nodes are lost at once',
    ]);
    const released = [20_000, write('governor', { released: ['n1', 'n2'] })] as const;
    expect(judge(new PowerChecker(), [...facts, released, acting])).toEqual([]);
    const asked = [19_000, { kind: 'releaseAsked' }] as const;
    expect(judge(new GuardChecker(), [asked, released])).toEqual([]);
    expect(judge(new GuardChecker(), [released])).toEqual(['nobody asked to release n1, n2']);
  });

  it('a fence that a person is said to want was asked for', () => {
    const asked = { kind: 'fenceAsked', node: 'n1' } as const;
    const person = intent('intent', { kind: 'person' });
    expect(judge(new PowerChecker(), [[0, person]])).toHaveLength(1);
    expect(
      judge(new PowerChecker(), [
        [0, asked],
        [1, person],
      ]),
    ).toEqual([]);
  });

  it('N18: no second node is acted against when that makes most of them', () => {
    const nodes = ['n1', 'n2', 'n3'].map(
      (name) => [0, write(`node/${name}`, { incarnation: { id: name } })] as const,
    );
    const acting = (name: string) =>
      write(`fence/${name}`, {
        node: name,
        phase: 'acting',
        requestedBy: by,
        incarnation: { id: name, bootId: name },
      });
    const one = [[0, lead], ...nodes, [20_000, acting('n1')]] as const;
    expect(judge(new PowerChecker(), one)).toEqual([]);
    expect(judge(new PowerChecker(), [...one, [20_001, acting('n2')]])).toHaveLength(1);
  });

  it('an off with an unknown end is not sent again at once', () => {
    const tool = (stage: 'started' | 'ended', exitCode: number | null) =>
      ({ kind: 'tool', stage, manager: 'm', bmcHost: 'x', action: 'off', exitCode }) as const;
    const failed = [
      [0, tool('started', null)],
      [100, tool('ended', 1)],
    ] as const;
    expect(judge(new PowerChecker(), [...failed, [150, tool('started', null)]])).toHaveLength(1);
    expect(judge(new PowerChecker(), [...failed, [5200, tool('started', null)]])).toEqual([]);
    // A leadership that begins knows nothing of it, and reads before it sends anything.
    const next = [120, write('leader', { candidate: 'm' })] as const;
    expect(judge(new PowerChecker(), [...failed, next, [150, tool('started', null)]])).toEqual([]);
  });
});

describe('acknowledged writes', () => {
  const call = (id: number, verb: 'create' | 'start' | 'stop' | 'delete') =>
    ({ kind: 'call', id, verb, vm: 'v' }) as const;
  const answer = (id: number, result: 'ok' | 'no' | 'unknown') =>
    ({ kind: 'answer', id, result, detail: 'd' }) as const;
  const running = write('vm/v', vmRecord(null));
  const stopped = write('vm/v', vmRecord(null, { desired: 'stopped' }));

  it('I6: what was acknowledged stays until something else is asked for', () => {
    const made = [
      [0, call(1, 'create')],
      [1, running],
      [2, answer(1, 'ok')],
    ] as const;
    expect(judge(new AcknowledgedChecker(), made)).toEqual([]);
    expect(judge(new AcknowledgedChecker(), [...made, [3, stopped]])).toHaveLength(1);
    expect(judge(new AcknowledgedChecker(), [...made, [3, write('vm/v', null)]])).toHaveLength(1);
    expect(judge(new AcknowledgedChecker(), [...made, [3, call(2, 'stop')], [4, stopped]])).toEqual(
      [],
    );
  });

  it('I6: an acknowledgement of what was not written is told', () => {
    expect(
      judge(new AcknowledgedChecker(), [
        [0, call(1, 'create')],
        [2, answer(1, 'ok')],
      ]),
    ).toHaveLength(1);
  });

  it('a call without a clear answer may show or not', () => {
    const unknown = [
      [0, call(1, 'create')],
      [1, answer(1, 'unknown')],
    ] as const;
    expect(judge(new AcknowledgedChecker(), [...unknown, [2, running]])).toEqual([]);
    expect(judge(new AcknowledgedChecker(), unknown)).toEqual([]);
  });

  it('what was refused is not done', () => {
    expect(
      judge(new AcknowledgedChecker(), [
        [0, call(1, 'create')],
        [1, running],
        [2, answer(1, 'no')],
      ]),
    ).toHaveLength(1);
    expect(
      judge(new AcknowledgedChecker(), [
        [0, call(1, 'create')],
        [2, answer(1, 'no')],
      ]),
    ).toEqual([]);
  });
});

describe('waits', () => {
  const wait = {
    kind: 'explained',
    vm: 'v',
    state: 'starting',
    sinceMs: 0,
    awaiting: [],
    try: [],
    reason: null,
  } as const;

  it('I5: a long wait that nothing explains is told', () => {
    expect(judge(new WaitChecker(), [[20_000, wait]])).toHaveLength(1);
    expect(judge(new WaitChecker(), [[5000, wait]])).toEqual([]);
    expect(
      judge(new WaitChecker(), [[20_000, { ...wait, reason: 'no node can take it' }]]),
    ).toEqual([]);
    expect(judge(new WaitChecker(), [[20_000, { ...wait, awaiting: ['a proof'] }]])).toEqual([]);
  });
});

describe('the failover chain', () => {
  const sealed = (id: string, previousHash: string, more = {}) => {
    const record = {
      kind: 'failover',
      id,
      outcome: 'completed',
      proof: { kind: 'newBoot', oldBoot: 'boot-1', newBoot: 'boot-2' },
      hash: null,
      previousHash,
      ...more,
    };
    const hash = createHash('sha256').update(JSON.stringify(record)).digest('hex');
    return { ...record, hash };
  };
  const one = sealed('FO-1', '');
  const two = sealed('FO-2', one.hash);

  it('records that follow each other, and the end of the chain, are fine', () => {
    const facts = [
      [0, write('failover/FO-1', one)],
      [0, write('chain', one.hash)],
      [1, write('failover/FO-2', two)],
      [1, write('chain', two.hash)],
    ] as const;
    expect(judge(new FailoverChainChecker(), facts)).toEqual([]);
  });

  it('a changed record, a wrong hash, a gap and a missing proof are told', () => {
    const first = [0, write('failover/FO-1', one)] as const;
    expect(
      judge(new FailoverChainChecker(), [
        first,
        [1, write('failover/FO-1', { ...one, node: 'x' })],
      ]),
    ).toHaveLength(1);
    expect(
      judge(new FailoverChainChecker(), [[0, write('failover/FO-1', { ...one, hash: 'f' })]]),
    ).toHaveLength(1);
    expect(
      judge(new FailoverChainChecker(), [
        first,
        [1, write('failover/FO-3', sealed('FO-3', 'else'))],
      ]),
    ).toHaveLength(1);
    expect(
      judge(new FailoverChainChecker(), [
        [0, write('failover/FO-1', sealed('FO-1', '', { proof: null }))],
      ]),
    ).toHaveLength(1);
    expect(judge(new FailoverChainChecker(), [first, [1, write('chain', 'else')]])).toHaveLength(1);
  });
});
