import { beforeEach, describe, expect, it } from 'vitest';
import { openDraft, type Draft } from '../decide/draft.ts';
import { managerId, type ManagerId } from '../model/ids.ts';
import type { ManagerRole } from '../model/manager.ts';
import type { Outcome } from '../problem.ts';
import { TestWorld } from '../testing/world.ts';
import {
  enrolManager,
  promoteManager,
  recordSelf,
  removeManager,
  renumberManager,
  wasRemoved,
  type RemovalView,
} from './manager.ts';

const ids = (...names: string[]): ManagerId[] => names.map(managerId);
const entry = (name: string) => ({
  id: managerId(name),
  api: `${name}:7400`,
  sessions: `${name}:7401`,
  certificateFingerprint: `print-${name}`,
  joinedAt: '2026-01-01T00:00:00.000Z',
});
const full = { isWitness: false, replaces: null } as const;

describe('managers', () => {
  let world: TestWorld;

  beforeEach(() => {
    world = new TestWorld();
  });

  function ask<T>(request: (draft: Draft) => Outcome<T>): string {
    const draft = openDraft(world, world.observe());
    const outcome = request(draft);
    if (outcome.kind === 'problem') return outcome.problem.because;
    world.commit(draft.finish({ commands: [], fences: [] }));
    return 'ok';
  }

  const self = (name: string, number: number): string =>
    ask((draft) => ({ kind: 'ok', value: recordSelf(draft, { ...entry(name), number }) }));
  const join = (name: string, role: ManagerRole = 'voter', isWitness = false): string =>
    ask((draft) => enrolManager(draft, { ...entry(name), ...full, role, isWitness }));
  const remove = (name: string, view: Partial<RemovalView> = {}): string =>
    ask((draft) =>
      removeManager(draft, managerId(name), {
        reachable: new Set(world.managers.keys()),
        managersVote: true,
        ...view,
      }),
    );
  const names = (): string[] => [...world.managers.keys()];

  it('the first leader records itself, and again only when something of it changed', () => {
    self('m1', 1);
    const { version } = world.roster;
    self('m1', 1);
    expect([names(), world.roster.version - version]).toEqual([['m1'], 0]);
    ask((draft) => {
      recordSelf(draft, { ...entry('m1'), number: 1, sessions: 'elsewhere:7401' });
      return { kind: 'ok', value: null };
    });
    expect(world.managers.get(managerId('m1'))?.sessions).toBe('elsewhere:7401');
    expect(world.roster.version).toBe(version + 1);
  });

  it('a number is given out once, also after its manager was removed', () => {
    self('m1', 1);
    join('m2');
    join('m3');
    expect(remove('m3')).toBe('ok');
    join('m3');
    expect(world.managers.get(managerId('m3'))?.number).toBe(4);
    expect(wasRemoved(world, { id: managerId('m3'), number: 3 })).toBe(true);
    expect(wasRemoved(world, { id: managerId('m3'), number: 4 })).toBe(false);
  });

  it('a store that has never heard of a manager does not count it as removed', () => {
    self('m1', 1);
    expect(wasRemoved(world, { id: managerId('m2'), number: 2 })).toBe(false);
  });

  it('a name or an address that another manager has is refused', () => {
    self('m1', 1);
    expect(join('m1')).toContain('already');
    const twin = { ...entry('m2'), sessions: 'm1:7401' };
    const outcome = ask((draft) => enrolManager(draft, { ...twin, ...full, role: 'voter' }));
    expect(outcome).toContain('m1 has one of its addresses');
  });

  it('O13: the last manager is not removed, nor the last one that can lead', () => {
    self('m1', 1);
    expect(remove('m1')).toContain('no manager would be left');
    join('w', 'voter', true);
    expect(remove('m1')).toContain('no manager would be left');
  });

  it('O13: a manager that quorum needs is not removed; one that does not answer may go', () => {
    self('m1', 1);
    join('m2');
    join('m3');
    const reachable = new Set(ids('m1', 'm2'));
    expect(remove('m2', { reachable })).toContain('2 are needed, and 1 answer');
    expect(remove('m3', { reachable })).toBe('ok');
    expect(names()).toEqual(['m1', 'm2']);
  });

  it('where the store has servers of its own, only the last manager is kept', () => {
    self('m1', 1);
    join('m2');
    expect(remove('m2', { reachable: new Set(ids('m1')), managersVote: false })).toBe('ok');
    expect(remove('m1', { managersVote: false })).toContain('no manager would be left');
  });

  it('a learner counts for nothing: it may go at any time', () => {
    self('m1', 1);
    join('m2', 'learner');
    expect(remove('m2', { reachable: new Set() })).toBe('ok');
  });

  it('whom a manager replaces goes with the write that makes the new one count', () => {
    self('m1', 1);
    join('m2');
    const replaces = managerId('m2');
    ask((draft) => enrolManager(draft, { ...entry('m3'), ...full, role: 'learner', replaces }));
    expect(names()).toEqual(['m1', 'm2', 'm3']);
    ask((draft) => promoteManager(draft, managerId('m3')));
    expect(names()).toEqual(['m1', 'm3']);
    expect(world.managers.get(managerId('m3'))).toMatchObject({ role: 'voter', replaces: null });
  });

  it('M6: a manager that lost its log begins again as a learner, under a number that never voted', () => {
    self('m1', 1);
    join('m2');
    join('m3');
    const asking = { id: managerId('m3'), certificateFingerprint: 'print-m3' };
    ask((draft) => renumberManager(draft, asking));
    expect(world.managers.get(managerId('m3'))).toMatchObject({ number: 4, role: 'learner' });
    expect(wasRemoved(world, { id: managerId('m3'), number: 3 })).toBe(true);
    const { version } = world.roster;
    ask((draft) => renumberManager(draft, asking));
    expect([world.managers.get(managerId('m3'))?.number, world.roster]).toMatchObject([
      5,
      { lastNumber: 5, version: version + 1 },
    ]);
  });

  it('whoever shows another certificate than the recorded one is not rebuilt', () => {
    self('m1', 1);
    join('m2');
    const stranger = { id: managerId('m2'), certificateFingerprint: 'print-m1' };
    expect(ask((draft) => renumberManager(draft, stranger))).toContain('not the one');
    expect(world.managers.get(managerId('m2'))?.number).toBe(2);
  });

  it('a manager that replaces itself has its record at once, with the new number and certificate', () => {
    self('m1', 1);
    join('m2');
    const again = { ...entry('m2'), certificateFingerprint: 'print-new' };
    const replaces = managerId('m2');
    const input = { ...again, ...full, role: 'learner', replaces } as const;
    expect(ask((draft) => enrolManager(draft, input))).toBe('ok');
    expect(world.managers.get(replaces)).toMatchObject({
      number: 3,
      role: 'learner',
      replaces: null,
      certificateFingerprint: 'print-new',
    });
    ask((draft) => promoteManager(draft, replaces));
    expect(names()).toEqual(['m1', 'm2']);
    expect(wasRemoved(world, { id: replaces, number: 2 })).toBe(true);
  });

  it('a witness is one before and after it is promoted', () => {
    self('m1', 1);
    join('w', 'learner', true);
    ask((draft) => promoteManager(draft, managerId('w')));
    expect(world.managers.get(managerId('w'))).toMatchObject({ role: 'voter', isWitness: true });
    expect(remove('m1')).toContain('no manager would be left that can lead');
  });
});
