import { beforeAll, describe, expect, test } from 'vitest';
import { drawScenario } from '../swarm/draw.ts';
import { runScenario } from '../swarm/run-scenario.ts';
import { traceLine } from './trace-line.ts';

/** Names of events, roles and changes in etcd-io/raft's trace specification. */
const names = [
  'InitState',
  'BecomeCandidate',
  'BecomeFollower',
  'BecomeLeader',
  'Commit',
  'Replicate',
  'ChangeConf',
  'ApplyConfChange',
  'Ready',
  ...['Send', 'Receive'].flatMap((way) =>
    ['AppendEntries', 'RequestVote'].flatMap((what) => [
      `${way}${what}Request`,
      `${way}${what}Response`,
    ]),
  ),
];
const roles = ['StateFollower', 'StateCandidate', 'StateLeader', 'StatePreCandidate'];
const fields = ['name', 'nid', 'state', 'role', 'log', 'conf', 'msg', 'prop'];
const messageFields = [
  'type',
  'term',
  'from',
  'to',
  'entries',
  'logTerm',
  'index',
  'commit',
  'vote',
  'reject',
  'rejectHint',
];

interface Event {
  readonly name: string;
  readonly nid: string;
  readonly state: { readonly term: number; readonly vote: string; readonly commit: number };
  readonly role: string;
  readonly log: number;
  readonly conf: readonly [readonly string[], readonly string[]];
  readonly msg?: Readonly<Record<string, unknown>>;
  readonly prop?: { readonly cc?: { readonly changes?: readonly object[] } };
}

describe('the trace of a simulated cluster whose managers join, fail and are elected', () => {
  const events: Event[] = [];

  beforeAll(async () => {
    const text: string[] = [];
    // The seed has members that join, so that the membership changes.
    const seed = Array.from({ length: 200 }, (_, at) => at + 1).find(
      (one) => drawScenario(one, { profile: 'raft' }).joining > 0,
    );
    const scenario = drawScenario(seed ?? 0, { profile: 'raft', managers: 3, faultsMs: 20_000 });
    await runScenario(scenario, { onRaftStep: (event) => text.push(traceLine(event)) });
    for (const line of text.join('').trimEnd().split('\n')) {
      const { tag, event } = JSON.parse(line) as { tag: string; event: Event };
      if (tag !== 'trace') throw new Error(`the tag is ${tag}`);
      events.push(event);
    }
  }, 120_000);

  test('has every event of the specification, and no other', () => {
    expect(new Set(events.map(({ name }) => name))).toEqual(new Set(names));
  });

  test('has the fields of the specification, ids as text', () => {
    const ids = /^\d+$/;
    for (const event of events) {
      expect(fields).toEqual(expect.arrayContaining(Object.keys(event)));
      const { nid, state, role, log, conf } = event;
      expect(nid).toMatch(ids);
      expect(state).toEqual({
        term: expect.any(Number),
        vote: expect.stringMatching(ids),
        commit: expect.any(Number),
      });
      expect(roles).toContain(role);
      expect(log).toBeGreaterThanOrEqual(state.commit);
      expect(conf).toHaveLength(2);
    }
  });

  test('has a message where one is sent or received, and there alone', () => {
    for (const { name, msg } of events) {
      const isMessage = /^(Send|Receive)/.test(name);
      expect(Object.keys(msg ?? {})).toEqual(isMessage ? messageFields : []);
    }
  });

  test('names the changes of the configuration as the specification does', () => {
    const changes = events.flatMap(({ prop }) => prop?.cc?.changes ?? []);
    expect(changes).toContainEqual({ nid: expect.any(String), action: 'AddLearner' });
    expect(changes).toContainEqual({ nid: expect.any(String), action: 'AddNewServer' });
  });

  test('begins with each member as it starts', () => {
    const begins = new Map<string, string[]>();
    for (const { nid, name } of events) begins.set(nid, [...(begins.get(nid) ?? []), name]);
    expect(begins.size).toBe(3);
    for (const own of begins.values()) {
      expect(own.slice(0, 3)).toEqual(['InitState', 'ApplyConfChange', 'BecomeFollower']);
    }
  });
});
