import { describe, expect, it } from 'vitest';
import { WriteLog } from '../sim/write-log.ts';
import { AgentMemoryChecker } from './agent-memory.ts';
import { LeaderWriteChecker } from './leader-writes.ts';
import { OwnerChecker } from './owners.ts';
import { PermitChecker } from './permits.ts';
import { PlacementChecker } from './placement.ts';
import { doubleWriters } from './single-writer.ts';
import { groundOf, judge, message, permit, vmRecord, write } from './testing/facts.ts';

const live = (node: string, token: number | null, sinceMs = 0) => ({
  vm: 'v',
  node,
  token,
  sinceMs,
});
const noFile = { stateFile: null, boottimeMs: 0, ground: groundOf() };

describe('single writer', () => {
  it('I1: two nodes that may write to one disk are told with their tokens', () => {
    const log = new WriteLog();
    log.begin('d', { vm: 'v', node: 'n1', token: 1 }, 0);
    log.begin('d', { vm: 'v', node: 'n2', token: 2 }, 5);
    expect(doubleWriters(log.overlaps())).toEqual([
      'd had two writers from 5 ms: n1 (token 1) and n2 (token 2)',
    ]);
  });

  it('a copy that a person started past Kennel is not Kennel’s', () => {
    const log = new WriteLog();
    log.begin('d', { vm: 'v', node: 'n1', token: null }, 0);
    log.begin('d', { vm: 'v', node: 'n2', token: 2 }, 5);
    expect(doubleWriters(log.overlaps())).toEqual([]);
  });
});

describe('permits', () => {
  const start = (held: ReturnType<typeof permit>) =>
    message('left', 'm', held.node, {
      kind: 'commands',
      incarnation: held.incarnation,
      commands: [{ kind: 'start', operation: 'o', permit: held }],
    });
  const asked = (held: ReturnType<typeof permit>, boot = 'boot-1', node = held.node) =>
    ({ kind: 'startAsked', permit: held, node, boot, ...noFile }) as const;

  it('I2: a start that follows its committed permit is fine', () => {
    const held = permit('n1', 1);
    const facts = [
      [0, write('vm/v', vmRecord(held))],
      [1, start(held)],
      [2, asked(held)],
      [
        3,
        {
          kind: 'vmRuns',
          node: 'n1',
          vm: 'v',
          permit: held,
          running: true,
          ground: groundOf({ n1: 'boot-1' }),
        },
      ],
    ] as const;
    expect(judge(new PermitChecker(), facts)).toEqual([]);
  });

  it('I2: a start command that leaves before its permit is committed is told', () => {
    const checker = new PermitChecker();
    expect(judge(checker, [[0, start(permit('n1', 1))]])).toHaveLength(1);
    expect(
      judge(checker, [
        [1, write('vm/v', vmRecord(permit('n1', 2)))],
        [2, start(permit('n1', 1))],
      ]),
    ).toHaveLength(1);
  });

  it('I2: an agent that boots by an old permit, for another node, or of another boot is told', () => {
    const checker = new PermitChecker();
    judge(checker, [
      [0, write('vm/v', vmRecord(permit('n1', 1)))],
      [1, write('vm/v', vmRecord(permit('n2', 2)))],
    ]);
    expect(judge(checker, [[2, asked(permit('n1', 1))]])).toHaveLength(1);
    expect(judge(checker, [[3, asked(permit('n2', 2), 'boot-1', 'n3')]])).toHaveLength(1);
    expect(judge(checker, [[4, asked(permit('n2', 2), 'boot-9')]])).toHaveLength(1);
  });

  it('I2: a VM that comes up where the record does not have it is told', () => {
    const checker = new PermitChecker();
    judge(checker, [[0, write('vm/v', vmRecord(permit('n2', 2)))]]);
    const ground = groundOf({ n1: 'boot-1' });
    const up = {
      kind: 'vmRuns',
      node: 'n1',
      vm: 'v',
      permit: permit('n1', 1),
      running: true,
      ground,
    } as const;
    expect(judge(checker, [[1, up]])).toHaveLength(1);
  });

  it('tokens that do not grow are told', () => {
    const checker = new PermitChecker();
    judge(checker, [[0, write('vm/v', vmRecord(permit('n1', 2)))]]);
    expect(judge(checker, [[1, write('vm/v', vmRecord(permit('n2', 2)))]])).toHaveLength(1);
    expect(judge(checker, [[2, write('vm/v', vmRecord(null))]])).toHaveLength(1);
  });

  it('a leftover that has the permit of the record is none', () => {
    const checker = new PermitChecker();
    const lead = write('leader', { candidate: 'm' });
    const release = message('left', 'm', 'n1', {
      kind: 'commands',
      epoch: lead.revision,
      incarnation: 'boot-1.a',
      commands: [{ kind: 'release', operation: 'leftover/v/x/1', vm: 'v' }],
    });
    judge(checker, [
      [0, lead],
      [0, write('vm/v', vmRecord(permit('n1', 1)))],
    ]);
    expect(judge(checker, [[1, release]])).toHaveLength(1);
  });
});

describe('owners', () => {
  const first = write('vm/v', vmRecord(permit('n1', 1)));
  const proven = write('fence/F-1', {
    phase: 'proven',
    incarnation: { id: 'boot-1.a', bootId: 'boot-1' },
    proof: { kind: 'powerOff' },
  });

  it('I2: a new owner after a proof is fine, without one it is told', () => {
    const moved = write('vm/v', vmRecord(permit('n2', 2, 'boot-2')));
    expect(
      judge(new OwnerChecker(), [
        [0, first],
        [1, proven],
        [2, moved],
      ]),
    ).toEqual([]);
    expect(
      judge(new OwnerChecker(), [
        [0, first],
        [2, moved],
      ]),
    ).toHaveLength(1);
  });

  it('a proof that was revoked covers nothing', () => {
    const revoked = write('fence/F-1', {
      phase: 'acting',
      incarnation: { id: 'boot-1.a' },
      proof: null,
    });
    const moved = write('vm/v', vmRecord(permit('n2', 2, 'boot-2')));
    expect(
      judge(new OwnerChecker(), [
        [0, first],
        [1, proven],
        [2, revoked],
        [3, moved],
      ]),
    ).toHaveLength(1);
  });

  it('I2: a release counts once it is acknowledged and nothing runs there any more', () => {
    const operation = { id: 'release/v/1/now', kind: 'release' };
    const stopping = write('vm/v', vmRecord(permit('n1', 1), { phase: 'stopping', operation }));
    const done = message('delivered', 'n1', 'm', {
      kind: 'result',
      operation: operation.id,
      outcome: { kind: 'done' },
    });
    const free = write('vm/v', vmRecord(null));
    const stillThere = write('vm/v', vmRecord(null), groundOf({ n1: 'boot-1' }, [live('n1', 1)]));
    expect(
      judge(new OwnerChecker(), [
        [0, first],
        [1, stopping],
        [2, done],
        [3, free],
      ]),
    ).toEqual([]);
    expect(
      judge(new OwnerChecker(), [
        [0, first],
        [1, stopping],
        [3, free],
      ]),
    ).toHaveLength(1);
    expect(
      judge(new OwnerChecker(), [
        [0, first],
        [1, stopping],
        [2, done],
        [3, stillThere],
      ]),
    ).toHaveLength(1);
  });

  it('I2: a restarted agent keeps what carries the very token, and nothing else', () => {
    const next = (previousToken: number | null) =>
      write(
        'vm/v',
        vmRecord(permit('n1', 2, 'boot-1', 'b'), {
          operation: { kind: 'permit', id: 'p', previousToken },
        }),
      );
    expect(
      judge(new OwnerChecker(), [
        [0, first],
        [1, next(1)],
      ]),
    ).toEqual([]);
    expect(
      judge(new OwnerChecker(), [
        [0, first],
        [1, next(null)],
      ]),
    ).toHaveLength(1);
    const reboot = write('vm/v', vmRecord(permit('n1', 2, 'boot-9')));
    expect(
      judge(new OwnerChecker(), [
        [0, first],
        [1, reboot],
      ]),
    ).toHaveLength(1);
  });
});

describe('leader writes', () => {
  it('a write for an epoch that does not lead is told', () => {
    const lead = write('leader', { candidate: 'm' });
    const good = write('barrier', `${lead.revision}.abc.1`);
    const bad = write('barrier', `${lead.revision - 1}.abc.9`);
    expect(
      judge(new LeaderWriteChecker(), [
        [0, lead],
        [1, good],
      ]),
    ).toEqual([]);
    expect(
      judge(new LeaderWriteChecker(), [
        [0, lead],
        [1, bad],
      ]),
    ).toHaveLength(1);
  });
});

describe('an agent’s memory', () => {
  const asked = (tokens: readonly (readonly [string, number])[]) =>
    ({
      kind: 'startAsked',
      permit: permit('n1', 3),
      node: 'n1',
      boot: 'boot-1',
      ...noFile,
      stateFile: { epoch: 5, tokens },
    }) as const;

  it('a token that is not on disk before the boot command is told', () => {
    expect(judge(new AgentMemoryChecker(), [[0, asked([['v', 3]])]])).toEqual([]);
    expect(judge(new AgentMemoryChecker(), [[0, asked([['v', 2]])]])).toHaveLength(1);
    expect(judge(new AgentMemoryChecker(), [[0, asked([])]])).toHaveLength(1);
  });

  it('what was on disk then outlives a loss of power', () => {
    const lost = { kind: 'stateSurvived', node: 'n1', stateFile: null } as const;
    const kept = { ...lost, stateFile: { epoch: 5, tokens: [['v', 3]] } };
    expect(
      judge(new AgentMemoryChecker(), [
        [0, asked([['v', 3]])],
        [1, kept],
      ]),
    ).toEqual([]);
    expect(
      judge(new AgentMemoryChecker(), [
        [0, asked([['v', 3]])],
        [1, lost],
      ]),
    ).toHaveLength(2);
  });
});

describe('placement', () => {
  const lead = write('leader', { candidate: 'm' });
  const report = message('delivered', 'n1', 'm', {
    kind: 'report',
    report: { domains: [{ vm: 'v', active: true }] },
  });

  it('V15: a VM is not placed beside a copy that the leader was told of', () => {
    const there = groundOf({}, [live('n1', null)]);
    const placed = write('vm/v', vmRecord(permit('n2', 1)), there);
    const known = write('vm/v', vmRecord(null));
    expect(
      judge(new PlacementChecker(), [
        [0, lead],
        [0, known],
        [9000, report],
        [9100, placed],
      ]),
    ).toHaveLength(1);
    expect(
      judge(new PlacementChecker(), [
        [0, lead],
        [0, known],
        [9100, placed],
      ]),
    ).toEqual([]);
  });

  it('N21: a boot on which a VM runs without a permit is not admitted', () => {
    const known = write('vm/v', vmRecord(null));
    const admitted = (ground = groundOf({ n1: 'boot-2' })) =>
      write(
        'node/n1',
        { phase: 'online', incarnation: { id: 'boot-2.a', bootId: 'boot-2' } },
        ground,
      );
    expect(
      judge(new PlacementChecker(), [
        [0, known],
        [9000, admitted()],
      ]),
    ).toEqual([]);
    const left = groundOf({ n1: 'boot-2' }, [live('n1', null)]);
    expect(
      judge(new PlacementChecker(), [
        [0, known],
        [9000, admitted(left)],
      ]),
    ).toHaveLength(1);
  });
});
