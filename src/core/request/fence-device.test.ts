import { beforeEach, describe, expect, it } from 'vitest';
import { openDraft, type Draft } from '../decide/draft.ts';
import { fenceGrade } from '../explain/fence-grade.ts';
import { findingsOf } from '../explain/findings.ts';
import { nodeId } from '../model/ids.ts';
import type { FenceDevice } from '../model/node.ts';
import type { Outcome } from '../problem.ts';
import { TestWorld } from '../testing/world.ts';
import {
  addFenceDevice,
  drillNode,
  noteDeviceCheck,
  removeFenceDevice,
  type DevicePlacing,
} from './fence-device.ts';

const n1 = nodeId('n1');
let world: TestWorld;

beforeEach(() => {
  world = new TestWorld();
  world.addNode('n1');
  world.addNode('n2');
});

function ask<T>(use: (draft: Draft) => Outcome<T>): string {
  const draft = openDraft(world, world.observe());
  const outcome = use(draft);
  if (outcome.kind === 'problem') return `${outcome.problem.code}: ${outcome.problem.because}`;
  world.commit(draft.finish({ commands: [], fences: [] }));
  return 'ok';
}

const outlet = (id: string, change: Partial<FenceDevice> = {}): FenceDevice => ({
  id: `n1/${id}`,
  driver: 'test',
  settings: {},
  identity: null,
  settleMs: 2000,
  outlet: `pdu, plug ${id}`,
  ...change,
});

const add = (device: FenceDevice, change: Partial<DevicePlacing> = {}): string =>
  ask((draft) =>
    addFenceDevice(draft, world.node(n1), {
      level: 2,
      budgetMs: null,
      delayMs: null,
      device,
      ...change,
    }),
  );

const levels = () =>
  world.node(n1).fenceTopology.map(({ devices }) => devices.map((device) => device.id));

describe('the topology of a node', () => {
  it('B16: two outlets of one level belong together, with a budget and a delay for both', () => {
    expect(add(outlet('a'), { budgetMs: 60_000 })).toBe('ok');
    expect(add(outlet('b'), { delayMs: 5000 })).toBe('ok');
    expect(levels()).toEqual([['n1/bmc'], ['n1/a', 'n1/b']]);
    expect(world.node(n1).fenceTopology[1]).toMatchObject({ budgetMs: 60_000, delayMs: 5000 });
  });

  it('a device that is added again changes its level, and leaves no empty one', () => {
    add(outlet('a'));
    expect(add(outlet('a'), { level: 1 })).toBe('ok');
    expect(levels()).toEqual([['n1/bmc', 'n1/a']]);
  });

  it('a level cannot be left out', () => {
    expect(add(outlet('a'), { level: 3 })).toMatch(/^E_CONFLICT: there is no level 2 yet/);
  });

  it('B15: an outlet that feeds another node is refused, with who has it', () => {
    const taken = outlet('x', { outlet: 'test n2' });
    expect(add(taken)).toBe('E_FENCE_IDENTITY: it is n2/bmc of n2 (test n2)');
  });

  it('B15: one outlet is not two supplies of a node', () => {
    add(outlet('a'));
    expect(add(outlet('b', { outlet: 'pdu, plug a' }))).toContain('it is n1/a of n1');
  });

  it('O8: a budget in which nothing could be proven is refused', () => {
    expect(add(outlet('a'), { budgetMs: 5000 })).toMatch(/^E_SPEC_INVALID: its budget of 5000 ms/);
    expect(levels()).toEqual([['n1/bmc']]);
  });

  it('what is removed leaves nothing behind, and not during a fence operation', () => {
    add(outlet('a'));
    const remove = (id: string) => ask((draft) => removeFenceDevice(draft, world.node(n1), id));
    expect(remove('n1/b')).toMatch(/^E_NOT_FOUND/);
    expect(remove('n1/a')).toBe('ok');
    expect(levels()).toEqual([['n1/bmc']]);
    world.addRunningVm('db', 'n1');
    world.nowMs += 10_000;
    world.beat('n2');
    world.settle();
    expect(remove('n1/bmc')).toMatch(/^E_CONFLICT: an open fence operation/);
  });
});

describe('checks of devices', () => {
  const check = (code: string | null): string =>
    ask((draft) =>
      noteDeviceCheck(
        draft,
        world.node(n1),
        'n1/bmc',
        code === null ? null : { code, detail: 'said so' },
      ),
    );
  const grade = () => fenceGrade(world.node(n1), world.fences.values());
  const codes = () => findingsOf(world, world.observe()).map(({ code }) => code);

  it('B2: a password that is refused is recorded once, and so is its end', () => {
    for (const code of ['AUTH_PASSWORD', 'AUTH_PASSWORD', null, null]) check(code);
    expect(world.events).toEqual(['FENCE_DEVICE_FAILING', 'FENCE_DEVICE_READY']);
  });

  it('B1: VMs of a node whose only level fails are unprotected, and it says so', () => {
    world.addRunningVm('db', 'n1');
    expect(grade()).toBe('ready');
    expect(codes()).toEqual([]);
    check('UNREACHABLE');
    expect(grade()).toBe('failing');
    const [finding] = findingsOf(world, world.observe());
    expect(finding).toMatchObject({ code: 'NODE_UNFENCEABLE', severity: 'critical' });
    expect(finding?.text).toBe('n1/bmc: UNREACHABLE, said so; unprotected: db');
  });

  it('another level that works keeps them protected', () => {
    world.addRunningVm('db', 'n1');
    add(outlet('a'));
    check('UNREACHABLE');
    expect(grade()).toBe('degraded');
    expect(codes()).toEqual(['FENCE_DEGRADED']);
  });

  it('a device that is added anew is believed anew', () => {
    check('AUTH_PASSWORD');
    add(outlet('bmc', { outlet: 'test n1' }), { level: 1 });
    expect(grade()).toBe('ready');
  });
});

describe('a drill', () => {
  const drill = (change: object = {}): string =>
    ask((draft) =>
      drillNode(draft, world.node(n1), {
        level: 1,
        withVms: false,
        actor: 'ann',
        reason: 'drill',
        ...change,
      }),
    );

  it('is refused while the node runs VMs, unless that is said', () => {
    world.addRunningVm('db', 'n1');
    expect(drill()).toBe('E_NODE_HAS_VMS: it runs db, which would lose power');
    expect(drill({ withVms: true })).toBe('ok');
  });

  it('is refused for a level that is not there, a node that is not online, and beside another', () => {
    expect(drill({ level: 2 })).toMatch(/^E_NODE_UNFENCEABLE/);
    const also = ask((draft) =>
      drillNode(draft, world.node(nodeId('n2')), {
        level: 1,
        withVms: false,
        actor: 'ann',
        reason: 'drill',
      }),
    );
    expect(also).toBe('ok');
    expect(drill()).toBe('E_CONFLICT: n2 is being fenced');
    world.nodes.set(n1, { ...world.node(n1), phase: 'joining' });
    expect(drill()).toMatch(/^E_CONFLICT: it is joining/);
  });

  it('measures how long the node is heard after the first Off, and raises the settle time', () => {
    expect(drill()).toBe('ok');
    const fence = world.onlyFence();
    world.nowMs += 1000;
    world.beat('n1', 'n2');
    world.read(fence.id, 'n1/bmc', 'off');
    // It says Off while it is still going down.
    world.nowMs += 1500;
    world.beat('n1', 'n2');
    for (let reading = 0; reading < 5; reading += 1) {
      world.nowMs += 1000;
      world.beat('n2');
      world.read(fence.id, 'n1/bmc', 'off');
      world.settle();
    }
    expect(world.onlyFence().proof?.kind).toBe('powerOff');
    const node = world.node(n1);
    expect(node.fenceDrills?.['n1/bmc']).toMatchObject({ silenceMs: 2000 });
    expect(node.fenceTopology[0]?.devices[0]?.settleMs).toBe(4000);
    expect(world.events).toContain('FENCE_DRILLED');
  });
});

describe('what a fence operation remembers', () => {
  it('B11: which devices may have been told is committed before they are, and the level with it', () => {
    add(outlet('a'));
    add(outlet('b'));
    world.addRunningVm('db', 'n1');
    world.nowMs += 10_000;
    world.beat('n2');
    world.settle();
    const { id } = world.onlyFence();
    expect(world.onlyFence()).toMatchObject({ phase: 'intent', level: 1, told: [] });
    world.execution(id, { wantsToAct: true, wantsToTell: ['n1/bmc'], level: 1 });
    const [first] = world.settle();
    expect(first?.fences).toMatchObject([{ mayAct: false, told: [] }]);
    expect(world.onlyFence()).toMatchObject({ phase: 'acting', level: 1, told: ['n1/bmc'] });
    world.execution(id, { wantsToTell: ['n1/a', 'n1/b'], level: 2 });
    world.settle();
    expect(world.onlyFence()).toMatchObject({ level: 2, told: ['n1/bmc', 'n1/a', 'n1/b'] });
    expect(world.events).toContain('FENCE_LEVEL');
    const plan = world.step();
    expect(plan.fences).toMatchObject([{ level: 2, told: ['n1/bmc', 'n1/a', 'n1/b'] }]);
  });

  it('B7: a level with a device that lied is not tried again', () => {
    add(outlet('a'));
    world.addRunningVm('db', 'n1');
    world.nowMs += 10_000;
    world.beat('n2');
    world.settle();
    const fence = world.onlyFence();
    world.fences.set(fence.id, { ...fence, distrusted: ['n1/bmc'] });
    expect(world.step().fences[0]?.levels.map(({ number }) => number)).toEqual([2]);
  });
});
