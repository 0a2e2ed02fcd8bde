import { describe, expect, test } from 'vitest';
import type { EventView } from '../../api/schema/views.ts';
import type { WatchOptions } from '../../client/watch-events.ts';
import { problem } from '../../core/problem.ts';
import type { Problem } from '../../core/problem.ts';
import { KennelError } from '../../errors/kennel-error.ts';
import { kennel, ok } from '../testing/fake-world.ts';
import {
  healthyStatus,
  sampleEvents,
  sampleFailover,
  sampleNode,
  sampleVm,
} from '../testing/sample-views.ts';

/** Hands events out two at a time, as a server with a small limit would. */
async function pages(after: number) {
  return ok(sampleEvents.filter((event) => event.sequence > after).slice(0, 2));
}

async function pagesBack(before: number | null) {
  return ok(sampleEvents.filter((event) => event.sequence < (before ?? Infinity)).slice(-2));
}

describe('events', () => {
  const client = {
    events: pages,
    lastEvents: pagesBack,
    vm: async () => ok(sampleVm({ name: 'db-1' })),
  };

  test('are read to their end, over all pages, and control characters are shown as ?', async () => {
    const { out } = await kennel('events', { client });
    expect(out.trimEnd().split('\n')).toHaveLength(3);
    expect(out).toContain(
      '     2  2026-11-22T09:40:55.400Z  NODE_SUSPECT  node-7  silent for 1.2 s',
    );
    expect(out).toContain('db-1 runs again?[2J');
  });

  test.each([
    ['--last 1', [3]],
    ['--last 0', []],
    ['--after 1', [2, 3]],
    ['--after 3', []],
    ['--node node-7', [2]],
    ['--vm db-1', [3]],
    ['--node node-7 --last 1', [2]],
  ])('events %s', async (options, expected) => {
    const { out } = await kennel(`events ${options} -o json`, { client });
    const shown = JSON.parse(out) as EventView[];
    expect(shown.map((event) => event.sequence)).toEqual(expected);
  });

  test('with the name of who asked, and why', async () => {
    const asked = sampleEvents.slice(0, 1).map((event) => ({
      ...event,
      by: 'alice',
      reason: 'disk dying',
    }));
    const { out } = await kennel('events', { client: { lastEvents: async () => ok(asked) } });
    expect(out.trimEnd()).toMatch(/\(alice: disk dying\)$/);
  });

  test('--last asks for no more than that many', async () => {
    const limits: number[] = [];
    const lastEvents = async (_before: number | null, limit: number) => {
      limits.push(limit);
      return ok(sampleEvents.slice(-limit));
    };
    await kennel('events --last 2', { client: { lastEvents } });
    expect(limits).toEqual([2]);
  });

  test('-f goes on after the last one read, one line of JSON each, over interruptions', async () => {
    const asked: number[] = [];
    const following = {
      ...client,
      async *watchEvents(after: number, options?: WatchOptions) {
        asked.push(after);
        options?.onInterruption?.({ ...lost, what: 'manager away' });
        for (const event of sampleEvents.slice(0, 1)) yield { ...event, sequence: after + 1 };
        throw new KennelError(lost);
      },
    };
    const { code, out, errors } = await kennel('events -f -o json', { client: following });
    expect(asked).toEqual([3]);
    const lines = out.trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as EventView).sequence)).toEqual([1, 2, 3, 4]);
    expect(code).toBe(2);
    expect(errors).toMatch(/^manager away \(cable\), trying again\nerror\[E_UNAVAILABLE\]: lost/);
  });
});

const lost: Problem = { code: 'E_UNAVAILABLE', what: 'lost', because: 'cable', so: '', try: [] };

test('failovers are listed, the newest first, and shown as a timeline', async () => {
  const older = { ...sampleFailover, id: 'FO-0', detectedAt: '2026-11-21T00:00:00.000Z' };
  const client = {
    failovers: async () => ok([older, sampleFailover]),
    failover: async () => ok(sampleFailover),
  };
  const { out } = await kennel('failover ls', { client });
  expect(out.split('\n').map((line) => line.split(' ')[0])).toEqual([
    'FAILOVER',
    'FO-1',
    'FO-0',
    '',
  ]);
  expect((await kennel('failover show FO-1', { client })).out).toMatch(
    /^failover FO-1 {3}node node-7/,
  );
});

test('lists of nothing say how to begin', async () => {
  const client = {
    nodes: async () => ok([]),
    vms: async () => ok([]),
    failovers: async () => ok([]),
  };
  expect((await kennel('vm ls', { client })).out).toBe('no VMs yet: kennel vm create -f FILE\n');
  expect((await kennel('node ls', { client })).out).toBe('no nodes yet: kennel node token\n');
  expect((await kennel('failover ls', { client })).out).toBe('no failover so far\n');
  expect((await kennel('vm ls -o json', { client })).out).toBe('[]\n');
});

test('a node is shown in full', async () => {
  const client = {
    node: async () => ok(sampleNode({ name: 'node-1', readiness: [], fenceGrade: 'none' })),
  };
  const { out } = await kennel('node show node-1', { client });
  expect(out).toContain('nothing: its VMs are not protected (kennel fence add node-1/bmc …)');
});

test('status --watch draws again and again, also while no manager answers', async () => {
  let looks = 0;
  const down = problem({ code: 'E_UNAVAILABLE', what: 'down', because: '', so: '', try: [] });
  const status = async () => {
    looks += 1;
    if (looks === 2) return down;
    if (looks === 4) return problem({ ...down.problem, code: 'E_FORBIDDEN', what: 'end of test' });
    return ok(healthyStatus);
  };
  const { out, code } = await kennel('status --watch', { client: { status } });
  expect(out.match(/cluster prod/g)).toHaveLength(2);
  expect(out).toContain('error[E_UNAVAILABLE]: down');
  expect(code).toBe(1);
});

test('status --watch is for people only', async () => {
  expect((await kennel('status --watch -o json')).code).toBe(64);
});
