import { beforeEach, describe, expect, test } from 'vitest';
import type { AddAlert } from '../../api/schema/alerts.ts';
import type { HttpsRequest, HttpsResult } from '../../env/https.ts';
import type { ProcessRequest, ProcessResult } from '../../env/processes.ts';
import { managerId } from '../../core/model/ids.ts';
import type { ManagerRecord } from '../../core/model/manager.ts';
import { keys } from '../keys.ts';
import { caller as callerOf, ManagerWorld, type ManagerSeat } from '../testing/manager-world.ts';
import { onlineNode } from '../testing/test-objects.ts';
import type { AlertMessage } from './deliver.ts';

const webhook: AddAlert = {
  target: {
    kind: 'webhook',
    host: 'chat.example',
    port: 443,
    pin: null,
    path: '/hooks/pa7h-s3cret',
    token: 't0ken-s3cret',
  },
  kinds: [],
};

let world: ManagerWorld;
let posts: HttpsRequest[];
let runs: ProcessRequest[];
let answer: () => HttpsResult;
let ending: () => ProcessResult;
let nodes: number;
const caller = callerOf();

const answered = (status: number): HttpsResult => ({
  kind: 'answered',
  status,
  headers: {},
  body: 't0ken-s3cret',
  certificate: '',
});

async function lead(name = 'm-1'): Promise<ManagerSeat> {
  const { env } = world.managerEnv(name);
  return world.lead(name, {
    env: {
      ...env,
      https: {
        request: async (request) => {
          posts.push(request);
          return answer();
        },
      },
      processes: {
        run: async (request) => {
          runs.push(request);
          return ending();
        },
      },
    },
  });
}

const told = (): readonly AlertMessage[] =>
  posts.map((post) => JSON.parse(post.body ?? '') as AlertMessage);

/** So often people are told that a node takes VMs again. */
async function happen(seat: ManagerSeat, times: number): Promise<void> {
  for (let index = 0; index < times; index += 1) {
    nodes += 1;
    await world.ask(seat, (service) => service.unquarantine(`node-${nodes}`, caller));
  }
}

beforeEach(async () => {
  world = new ManagerWorld();
  nodes = 0;
  for (let number = 1; number < 9; number += 1) {
    await world.seed(onlineNode(`node-${number}`, { phase: 'quarantined' }));
  }
  posts = [];
  runs = [];
  answer = () => answered(200);
  ending = () => ({ kind: 'exited', code: 0, stdout: '', stderr: '' });
});

describe('a webhook', () => {
  test('is told once of what happens after it was added, with an id that names the event', async () => {
    const seat = await lead();
    await happen(seat, 1);
    await world.ask(seat, (service) => service.addAlert('chat', webhook, caller));
    await world.run(2000);
    expect(posts).toEqual([]);
    await happen(seat, 1);
    await world.run(2000);
    expect(told()).toHaveLength(1);
    expect(told()[0]).toMatchObject({
      alert: 'quarantine',
      code: 'NODE_UNQUARANTINED',
      node: 'node-2',
    });
    expect(posts[0]?.headers['x-kennel-alert-id']).toBe(told()[0]?.id);
  });

  test('is tested on demand, with its token and its path, and says how that went', async () => {
    const seat = await lead();
    await world.ask(seat, (service) => service.addAlert('chat', webhook, caller));
    const good = await world.ask(seat, (service) => service.testAlert('chat', caller));
    expect(good).toEqual({ name: 'chat', told: true, because: null });
    expect(posts[0]).toMatchObject({
      host: 'chat.example',
      path: '/hooks/pa7h-s3cret',
      authority: 'system',
      headers: { authorization: 'Bearer t0ken-s3cret' },
    });
    answer = () => answered(403);
    const bad = await world.ask(seat, (service) => service.testAlert('chat', caller));
    expect(bad).toEqual({ name: 'chat', told: false, because: 'it answered 403' });
  });

  test('X: its path and token are nowhere in the clear: not in the store, the logs, nor any answer', async () => {
    const seat = await lead();
    answer = () => answered(500);
    await world.ask(seat, (service) => service.addAlert('chat', webhook, caller));
    await world.ask(seat, (service) => service.testAlert('chat', caller));
    const list = await world.ask(seat, (service) => service.alerts());
    const store = world.store.machine.list('').map(({ key, value }) => `${key}=${value}`);
    const backup = await world.ask(seat, (service) => service.backup());
    const everything = [JSON.stringify(list), ...store, backup, ...world.log.lines()].join('\n');
    expect(everything).not.toContain('s3cret');
    expect(world.value(`${keys.secrets}@alert/chat`)).toMatch(/^ks1\./);
    await world.ask(seat, (service) => service.removeAlert('chat', caller));
    expect(world.value(`${keys.secrets}@alert/chat`)).toBeNull();
  });
});

describe('telling', () => {
  async function withChat(): Promise<ManagerSeat> {
    const seat = await lead();
    await world.ask(seat, (service) => service.addAlert('chat', webhook, caller));
    return seat;
  }

  test('comes in order, and goes on where it was when the target answers again', async () => {
    const seat = await withChat();
    answer = () => answered(503);
    await happen(seat, 3);
    await world.run(30_000);
    expect(new Set(told().map((one) => one.id)).size).toBe(1);
    const [finding] = (await world.ask(seat, (service) => service.status())).findings.filter(
      (one) => one.code === 'ALERT_FAILING',
    );
    expect(finding?.subject).toBe('chat');
    answer = () => answered(204);
    posts = [];
    await world.run(60_000);
    const ids = told().map((one) => Number(one.id.split('/')[1]));
    expect(ids).toHaveLength(3);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    await world.run(60_000);
    expect(told()).toHaveLength(3);
  });

  test('waits longer with each failure', async () => {
    const seat = await withChat();
    answer = () => answered(503);
    await happen(seat, 1);
    await world.run(64_000);
    // 0, 1, 3, 7, 15, 31, 63 s
    expect(posts).toHaveLength(7);
  });

  test('a new leader repeats nothing that was told, and tells what was not', async () => {
    const seat = await withChat();
    await happen(seat, 1);
    await world.run(1000);
    answer = () => answered(503);
    await happen(seat, 1);
    await world.run(1000);
    await world.wait(seat.manager.stop());
    answer = () => answered(200);
    posts = [];
    await lead('m-2');
    await world.run(5000);
    expect(told().map((one) => one.code)).toEqual(['NODE_UNQUARANTINED']);
    expect(new Set(told().map((one) => one.id)).size).toBe(1);
  });

  test('one that is stuck keeps no other waiting', async () => {
    const seat = await withChat();
    await world.ask(seat, (service) =>
      service.addAlert('pager', { target: { kind: 'exec', program: 'page' }, kinds: [] }, caller),
    );
    answer = () => ({ kind: 'failed', because: 'timeout', sent: true, detail: 'no answer' });
    await happen(seat, 2);
    await world.run(2000);
    expect(runs.map((run) => run.file)).toEqual([
      '/etc/kennel/alert.d/page',
      '/etc/kennel/alert.d/page',
    ]);
    expect(runs[0]?.arguments).toEqual([]);
    expect(JSON.parse(runs[0]?.input ?? '')).toMatchObject({ alert: 'quarantine' });
  });

  test('only of what was asked for', async () => {
    const seat = await lead();
    await world.ask(seat, (service) =>
      service.addAlert('chat', { ...webhook, kinds: ['fenced'] }, caller),
    );
    await happen(seat, 2);
    await world.run(2000);
    expect(posts).toEqual([]);
  });

  test('events that were let go meanwhile are counted, and announced', async () => {
    const seat = await withChat();
    answer = () => answered(503);
    await happen(seat, 3);
    await world.run(2000);
    await world.wait(seat.manager.stop());
    // The history is trimmed while nobody could be told.
    const [first, ...rest] = world.store.machine.list(keys.events);
    if (first === undefined) throw new Error('no events');
    const gone = [first, ...rest.slice(0, -1)];
    await world.seed(...gone.map(({ key }) => ({ kind: 'delete' as const, key })));
    answer = () => answered(200);
    posts = [];
    const next = await lead('m-2');
    await world.run(5000);
    const [view] = await world.ask(next, (service) => service.alerts());
    expect(view?.lost).toBeGreaterThan(0);
    expect(told().map((one) => one.alert)).toContain('alertsLost');
    expect(world.eventCodes()).toContain('ALERTS_LOST');
  });
});

describe('what is wrong for longer', () => {
  const gone: ManagerRecord = {
    kind: 'manager',
    id: managerId('m-9'),
    number: 9,
    api: 'm-9:7400',
    sessions: 'm-9:7443',
    certificateFingerprint: 'print-m-9',
    role: 'voter',
    isWitness: false,
    replaces: null,
    joinedAt: '2026-01-01T00:00:00.000Z',
  };

  test('becomes one event, whoever leads, and its end another', async () => {
    await world.seed(gone);
    const seat = await lead();
    await world.run(20_000);
    expect(world.eventCodes().filter((code) => code === 'MANAGER_LOST')).toEqual(['MANAGER_LOST']);
    await world.wait(seat.manager.stop());
    await lead('m-2');
    await world.run(20_000);
    const lost = world.events().filter((one) => one.code === 'MANAGER_LOST');
    expect(lost.filter((one) => one.text.startsWith('m-9'))).toHaveLength(1);
  });
});
