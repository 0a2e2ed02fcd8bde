import { beforeEach, describe, expect, it } from 'vitest';
import { nodeId, operationId, type VmId } from '../model/ids.ts';
import type { VmRecord } from '../model/vm.ts';
import type { ActionVerb } from '../model/vm-action.ts';
import type { Outcome } from '../problem.ts';
import { actOnVm, restartVm } from '../request/act.ts';
import { setDesired } from '../request/vm.ts';
import { incarnationOf, TestWorld } from '../testing/world.ts';
import { openDraft } from './draft.ts';

let world: TestWorld;
let db: VmId;

beforeEach(() => {
  world = new TestWorld();
  for (const name of ['n1', 'n2', 'n3']) world.addNode(name);
  db = world.addRunningVm('db', 'n1');
});

function ask(change: (vm: VmRecord, draft: ReturnType<typeof openDraft>) => Outcome<VmRecord>) {
  const draft = openDraft(world, world.observe());
  const outcome = change(world.vm(db), draft);
  if (outcome.kind === 'ok') world.commit(draft.finish({ commands: [], fences: [] }));
  return outcome.kind === 'ok' ? 'ok' : outcome.problem.because;
}

const act = (verb: ActionVerb, request = 'r-1'): string =>
  ask((vm, draft) => actOnVm(draft, vm, { verb, request, by: 'ann' }));

const sent = (): readonly string[] =>
  world.settle().flatMap((plan) => plan.commands.map(({ command }) => command.kind));

const operation = (request: string) => operationId(`act/${db}/${request}`);

describe('what is done to a guest', () => {
  it('is asked of the owner under its permit, and over with the answer', () => {
    expect(act('pause')).toBe('ok');
    const [plan] = world.settle();
    expect(plan?.commands).toMatchObject([
      { node: 'n1', command: { kind: 'act', verb: 'pause', permit: { token: 1 } } },
    ]);
    expect(sent()).toEqual([]);
    world.outcome(operation('r-1'), { kind: 'done' });
    world.settle();
    expect(world.vm(db).action).toBeNull();
    expect(world.vm(db).acted).toMatchObject([{ request: 'r-1', by: 'ann', outcome: 'done' }]);
    expect(world.events).toContain('VM_PAUSED');
  });

  it('is not done again by the same request, and done again by another', () => {
    act('reset');
    expect(sent()).toEqual(['act']);
    expect(act('reset')).toBe('ok');
    expect(sent()).toEqual([]);
    world.outcome(operation('r-1'), { kind: 'done' });
    world.settle();
    expect(act('reset')).toBe('ok');
    expect(sent()).toEqual([]);
    expect(act('reset', 'r-2')).toBe('ok');
    expect(sent()).toEqual(['act']);
    expect(act('pause', 'r-1')).toContain('was to reset it');
  });

  it('is sent again under the same id while it is not answered, and not after any answer', () => {
    act('reset');
    sent();
    world.nowMs += 6000;
    world.beat('n1', 'n2', 'n3');
    expect(sent()).toEqual(['act']);
    world.outcome(operation('r-1'), { kind: 'ambiguous', detail: 'nobody knows' });
    expect(sent()).toEqual([]);
    world.nowMs += 6000;
    world.beat('n1', 'n2', 'n3');
    expect(sent()).toEqual([]);
    expect(world.vm(db).acted).toMatchObject([{ outcome: 'unknown', detail: 'nobody knows' }]);
  });

  it('N9: is over, with nobody knowing how, when the agent starts anew before it answers', () => {
    act('reset');
    sent();
    world.connect('n1', incarnationOf('n1', 1, 2), [world.domain(db)]);
    expect(sent()).toEqual(['permit']);
    expect(world.vm(db)).toMatchObject({ action: null, acted: [{ outcome: 'unknown' }] });
  });

  it('is not asked of the next owner when its node dies', () => {
    act('reset');
    sent();
    world.nowMs += 10_000;
    world.beat('n2', 'n3');
    world.settle();
    for (let round = 0; round < 6; round += 1) {
      world.nowMs += 600;
      world.beat('n2', 'n3');
      world.read(world.onlyFence().id, 'n1/bmc', 'off');
      world.settle();
    }
    expect(world.vm(db).permit?.node).not.toBe('n1');
    expect(world.vm(db)).toMatchObject({ action: null, acted: [{ outcome: 'unknown' }] });
    const kinds = [...world.commands.keys()].filter((id) => id.startsWith('act/'));
    expect(kinds).toEqual([operation('r-1')]);
  });

  it('is refused where it cannot be done, and says why', () => {
    ask((vm, draft) => setDesired(draft, vm, 'ignored', { force: false }));
    expect(act('pause')).toContain('left to people');
    ask((vm, draft) => setDesired(draft, vm, 'running', { force: false }));
    world.settle();
    act('pause');
    expect(act('resume', 'r-2')).toContain('pause, asked by ann, is not answered yet');
    sent();
    world.outcome(operation('r-1'), { kind: 'done' });
    world.report('n1', [world.domain(db, { state: 'paused', reason: 'user' })]);
    world.settle();
    expect(act('reboot', 'r-3')).toContain('stands still');
    ask((vm, draft) => setDesired(draft, vm, 'stopped', { force: true }));
    expect(act('resume', 'r-4')).toContain('it is stopping');
  });
});

describe('a paused VM', () => {
  beforeEach(() => {
    act('pause');
    sent();
    world.outcome(operation('r-1'), { kind: 'done' });
    world.report('n1', [world.domain(db, { state: 'paused', reason: 'user' })]);
    world.settle();
  });

  it('V4: is no crash: it keeps its owner and its tries, however long it stands', () => {
    for (let minute = 0; minute < 5; minute += 1) {
      world.nowMs += 60_000;
      world.beat('n1', 'n2', 'n3');
      expect(sent()).toEqual([]);
    }
    expect(world.vm(db)).toMatchObject({ phase: 'running', permit: { node: 'n1', token: 1 } });
    expect(world.vm(db).tries.failures).toBe(0);
  });

  it('is an owner like any other: its node is proven dead before it runs elsewhere, and it runs there', () => {
    world.nowMs += 10_000;
    world.beat('n2', 'n3');
    world.settle();
    expect(world.node(nodeId('n1')).phase).toBe('fencing');
    expect(world.vm(db).permit?.node).toBe('n1');
  });
});

describe('a restart', () => {
  const restart = (request = 'r-1'): string =>
    ask((vm, draft) => restartVm(draft, vm, { force: false, request, by: 'ann' }));

  it('is a release and a start at home, once per request', () => {
    expect(restart()).toBe('ok');
    expect(sent()).toEqual(['release']);
    world.outcome(operationId(`release/${db}/1/grace`), { kind: 'done' });
    world.report('n1', []);
    expect(sent()).toEqual(['start']);
    expect(world.vm(db)).toMatchObject({ phase: 'starting', permit: { node: 'n1', token: 2 } });
    world.report('n1', [world.domain(db)]);
    world.settle();
    expect(restart()).toBe('ok');
    expect(sent()).toEqual([]);
    expect(world.vm(db)).toMatchObject({ phase: 'running', permit: { token: 2 } });
  });

  it('is refused while the cluster is disarmed: the VM would stay off', () => {
    const now = '2026-01-01T00:00:00.000Z';
    const disarmed = { mode: 'freeze', since: now, until: null, by: 'ann', reason: null } as const;
    world.arming = { kind: 'arming', disarmed };
    expect(restart()).toContain('it would stay off');
    expect(sent()).toEqual([]);
  });
});
