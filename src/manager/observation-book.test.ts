import { describe, expect, test } from 'vitest';
import { HostClock } from '../../chaos/sim/clock.ts';
import { VirtualTime } from '../../chaos/sim/virtual-time.ts';
import type { AgentReport } from '../api/schema/session.ts';
import { epoch, fenceId, nodeId, operationId, token, vmId } from '../core/model/ids.ts';
import { defaultSettings } from '../core/model/settings.ts';
import type { AddressedCommand } from '../core/plan.ts';
import { Mirror } from './mirror.ts';
import { ObservationBook } from './observation-book.ts';
import { incarnationOf, uuidOf } from './testing/test-objects.ts';

const node = nodeId('node-1');
const other = nodeId('node-2');
const first = incarnationOf('node-1');
const second = incarnationOf('node-1', 1, 2);

const report = (change: Partial<AgentReport> = {}): AgentReport => ({
  sequence: 1,
  hypervisor: 'ok',
  domains: [],
  capacity: { memoryMiB: 1, vcpus: 1 },
  degraded: null,
  mending: null,
  leaving: null,
  ...change,
});

function bookBench() {
  const time = new VirtualTime();
  const clock = new HostClock(time);
  clock.boot(1000);
  const book = new ObservationBook(clock);
  const mirror = new Mirror(epoch(1), clock, defaultSettings('default'));
  const commands = () => book.observe(mirror).commands;
  return { time, clock, book, mirror, commands };
}

const command = (operation: string, change: Partial<AddressedCommand> = {}): AddressedCommand => ({
  node,
  incarnation: first.id,
  command: {
    kind: 'release',
    operation: operationId(operation),
    vm: vmId(uuidOf(1)),
    incarnation: first.id,
    token: token(1),
    graceMs: 0,
  },
  ...change,
});

const by = (incarnation = first, of = node) => ({ node: of, incarnation: incarnation.id });
const done = { kind: 'done' } as const;

describe('commands', () => {
  test('are remembered with their outcome', async () => {
    const { book, time, clock, commands } = bookBench();
    book.commandSent(command('a'));
    const sentMs = clock.monotonicMs();
    await time.runFor(500);
    book.commandEnded(by(), operationId('a'), done);
    expect(commands().get(operationId('a'))).toMatchObject({
      sentMs,
      outcome: done,
      outcomeMs: sentMs + 500,
    });
  });

  test('X1: end by the word of the incarnation they were sent to, and of nobody else', () => {
    const { book, commands } = bookBench();
    book.commandSent(command('a'));
    const others = [by(incarnationOf('node-2'), other), by(first, other), by(second)];
    for (const one of others) {
      book.commandEnded(one, operationId('a'), done);
      expect(commands().get(operationId('a'))?.outcome).toBeNull();
    }
    book.commandEnded(by(), operationId('a'), done);
    expect(commands().get(operationId('a'))?.outcome).toEqual(done);
  });

  test('that were never sent have no outcome', () => {
    const { book, commands } = bookBench();
    book.commandEnded(by(), operationId('a'), done);
    expect(commands().size).toBe(0);
  });

  test('without an answer are forgotten when their node connects anew, so that they are sent again', () => {
    const { book, commands } = bookBench();
    book.commandSent(command('unanswered'));
    book.commandSent(command('ended'));
    book.commandEnded(by(), operationId('ended'), done);
    book.commandSent(command('elsewhere', { node: other, incarnation: incarnationOf('x').id }));
    book.sessionOpened(node, second, report());
    expect([...commands().keys()]).toEqual(['ended', 'elsewhere']);
  });

  test('that ended are kept up to 4096, and none that wait is dropped for them', () => {
    const { book, commands } = bookBench();
    for (let index = 0; index < 10; index += 1) book.commandSent(command(`waits-${index}`));
    for (let index = 0; index < 5000; index += 1) {
      book.commandSent(command(`ended-${index}`));
      book.commandEnded(by(), operationId(`ended-${index}`), done);
    }
    expect(commands().size).toBe(4096);
    expect(commands().has(operationId('waits-0'))).toBe(true);
    expect(commands().has(operationId('ended-0'))).toBe(false);
    expect(commands().has(operationId('ended-4999'))).toBe(true);
  });
});

describe('a node', () => {
  test('that was never seen is silent since nothing', () => {
    const { book } = bookBench();
    expect(book.node(node)).toMatchObject({ sessionOpen: false, lastHeartbeatMs: null });
  });

  test('counts as heard when its session opens, and has answered nothing yet', () => {
    const { book, clock } = bookBench();
    book.sessionOpened(node, first, report());
    expect(book.node(node)).toMatchObject({
      incarnation: first,
      sessionOpen: true,
      lastHeartbeatMs: clock.monotonicMs(),
      aliveAtMs: null,
      lastLeaseMs: null,
    });
  });

  test('keeps its last sign of life when the session closes', async () => {
    const { book, time, clock } = bookBench();
    book.sessionOpened(node, first, report());
    const heardMs = clock.monotonicMs();
    await time.runFor(1000);
    book.sessionClosed(node);
    expect(book.node(node)).toMatchObject({ sessionOpen: false, lastHeartbeatMs: heardMs });
  });

  test('was alive at the latest instant that any of its heartbeats shows', () => {
    const { book } = bookBench();
    book.sessionOpened(node, first, report());
    book.heartbeat(node, 500);
    book.heartbeat(node, 900);
    book.heartbeat(node, 600);
    expect(book.node(node).aliveAtMs).toBe(900);
    book.sessionOpened(node, first, report());
    expect(book.node(node).aliveAtMs).toBeNull();
  });

  test('keeps the lease of an incarnation over its connections, and not over its restart', async () => {
    const { book, time, clock } = bookBench();
    book.sessionOpened(node, first, report());
    book.leaseGranted(node, first.id);
    const grantedMs = clock.monotonicMs();
    await time.runFor(100);
    book.sessionOpened(node, first, report());
    expect(book.node(node).lastLeaseMs).toBe(grantedMs);
    book.sessionOpened(node, second, report());
    expect(book.node(node).lastLeaseMs).toBeNull();
  });

  test('is not credited with the lease of the incarnation before it', () => {
    const { book } = bookBench();
    book.sessionOpened(node, second, report());
    book.leaseGranted(node, first.id);
    expect(book.node(node).lastLeaseMs).toBeNull();
    expect(book.holdsLease(node, 6000)).toBe(false);
  });

  test('holds a lease until its time to live is over', async () => {
    const { book, time } = bookBench();
    book.sessionOpened(node, first, report());
    book.leaseGranted(node, first.id);
    await time.runFor(5999);
    expect(book.holdsLease(node, 6000)).toBe(true);
    await time.runFor(1);
    expect(book.holdsLease(node, 6000)).toBe(false);
  });

  test('reports for the incarnation of its session; unreachable means unknown, not empty', () => {
    const { book } = bookBench();
    book.reported(node, report());
    expect(book.node(node).report).toBeNull();
    book.sessionOpened(node, first, report());
    book.reported(node, report({ hypervisor: 'unreachable', domains: null }));
    expect(book.node(node).report).toMatchObject({ incarnation: first.id, domains: null });
  });
});

test('stalls are kept, the last sixteen', () => {
  const { book, mirror } = bookBench();
  for (let index = 1; index <= 20; index += 1) book.stalled(index);
  const { stalls } = book.observe(mirror);
  expect(stalls.map((stall) => stall.lateMs)).toEqual(
    Array.from({ length: 16 }, (_, index) => index + 5),
  );
});

test('the observation of a fence operation is forgotten with its execution', () => {
  const { book, mirror } = bookBench();
  const id = fenceId('F-1');
  const observation = {
    readings: [],
    outstanding: false,
    wantsToAct: false,
    wantsToTell: [],
    level: null,
    firstOffWall: null,
    attempts: [],
    errors: new Map(),
  };
  book.setFence(id, observation);
  expect(book.observe(mirror).fences.get(id)).toEqual(observation);
  book.forgetFence(id);
  expect(book.fence(id)).toBeUndefined();
});

test('listening begins when it is said to begin', async () => {
  const { book, time, clock, mirror } = bookBench();
  await time.runFor(700);
  book.beginObserving();
  expect(book.observe(mirror).observingSinceMs).toBe(clock.monotonicMs());
});
