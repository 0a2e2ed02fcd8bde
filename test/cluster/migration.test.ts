import { beforeEach, describe, expect, it } from 'vitest';
import type { MoveVm } from '../../src/api/schema/requests.ts';
import type { VmView } from '../../src/api/schema/views.ts';
import { defaultMigrationLimits } from '../../src/core/model/move.ts';
import type { Outcome } from '../../src/core/problem.ts';
import type { Caller, ClusterService } from '../../src/api/cluster-service.ts';
import { vmId } from '../../src/core/model/ids.ts';
import { identityOf } from '../../chaos/sim/cluster-world.ts';
import type { ClusterNode } from '../../chaos/sim/cluster-node.ts';
import type { SimDomain } from '../../chaos/sim/sim-domain.ts';
import { clusterOfVms, type ClusterOfVms } from './testing/cluster-of-vms.ts';

const vm = 'vm-1';
const live: MoveVm = { to: null, way: 'live', limits: defaultMigrationLimits };

/** A migration of one VM, with the places that the tests break. */
class Migration {
  readonly site: ClusterOfVms;
  readonly source: ClusterNode;
  readonly target: ClusterNode;
  readonly id: string;

  constructor(site: ClusterOfVms, source: ClusterNode, target: ClusterNode, id: string) {
    this.site = site;
    this.source = source;
    this.target = target;
    this.id = id;
  }

  domainOn(node: ClusterNode): SimDomain | undefined {
    return node.hypervisor.find(vmId(this.id));
  }

  record(): {
    readonly phase: string;
    readonly permit: { readonly node: string } | null;
    readonly move: { readonly migration: { readonly phase: string } | null } | null;
  } {
    return this.site.stored(`vm/${this.id}`) as never;
  }

  phase(): string | null {
    return this.record().move?.migration?.phase ?? null;
  }

  ask(
    question: (service: ClusterService, caller: Caller) => Promise<Outcome<VmView>>,
  ): Promise<Outcome<VmView>> {
    const { cluster } = this.site;
    const identity = identityOf(cluster.world, 'admin', 'test');
    return cluster.ask(({ manager }) => {
      if (manager === null) throw new Error('the leader is gone');
      return question(manager.service, { identity, dryRun: false, reason: null });
    });
  }

  /** The hand-over is committed, and the target has not woken its copy yet. */
  isHandedOver(): boolean {
    const { permit } = this.record();
    return permit?.node === this.target.name && this.site.cluster.whereIs(vm).length === 0;
  }

  /** Asked for, and in this phase, and what libvirt does is as the condition wants it. */
  reach(phase: string, more: () => boolean = () => true): Promise<void> {
    return this.reachInstant(() => this.phase() === phase && more());
  }

  async reachInstant(isThere: () => boolean): Promise<void> {
    const asked = await this.ask((service, caller) =>
      service.moveVm(vm, { ...live, to: this.target.name }, caller),
    );
    if (asked.kind === 'problem') throw new Error(asked.problem.because);
    await this.site.until(isThere);
  }

  runsOn(node: ClusterNode): boolean {
    const { phase, permit, move } = this.record();
    const homes = this.site.cluster.whereIs(vm);
    const isAlone = homes.length === 1 && homes[0] === node.name;
    return isAlone && phase === 'running' && permit?.node === node.name && move === null;
  }

  /** It runs, once, wherever that is, and nothing is under way any more. */
  runsSomewhere(): boolean {
    return this.site.cluster.nodes.some((node) => this.runsOn(node));
  }

  boots(node: ClusterNode): number {
    return this.domainOn(node)?.boots ?? 0;
  }
}

let migration: Migration;

beforeEach(async () => {
  const site = await clusterOfVms({ vms: { [vm]: {} } });
  const source = site.homeOf(vm);
  const target = site.cluster.nodes.find((node) => node !== source);
  if (target === undefined) throw new Error('there is one node');
  const { id } = await site.vm(vm);
  migration = new Migration(site, source, target, id);
  await site.until(() => migration.runsOn(source));
});

const isCopying = (): boolean => migration.domainOn(migration.target)?.transit?.kind === 'incoming';
const isSwitching = (): boolean =>
  migration.domainOn(migration.source)?.transit?.kind === 'outgoing';
const hasArrived = (): boolean => migration.domainOn(migration.target)?.transit?.kind === 'arrived';

describe('a live migration', () => {
  it('takes a running VM to another node without a boot, and its source forgets it', async () => {
    const { site: world, source, target } = migration;
    await migration.reach('preparing');
    await world.until(() => migration.runsOn(target));
    expect(migration.boots(target)).toBe(0);
    await world.until(() => migration.domainOn(source) === undefined);
    expect(world.overlaps()).toEqual([]);
  });

  it('can be called off while it copies; the guest goes on at its source', async () => {
    const { site: world, source, target } = migration;
    await migration.reach('moving', isCopying);
    const cancelled = await migration.ask((service, caller) => service.cancelMove(vm, caller));
    expect(cancelled.kind).toBe('ok');
    await world.until(() => migration.runsOn(source));
    expect(migration.boots(source)).toBe(1);
    await world.until(() => migration.domainOn(target) === undefined);
  });

  it('V13: of a guest that outruns the copy is called off at its deadline', async () => {
    const { site: world, source, target } = migration;
    const temper = { starts: () => true, stops: true, converges: () => false };
    source.hypervisor.setTemper(vmId(migration.id), temper);
    const limits = { ...defaultMigrationLimits, deadlineMs: 10_000 };
    await migration.ask((service, caller) =>
      service.moveVm(vm, { to: target.name, way: 'live', limits }, caller),
    );
    await world.until(() => migration.phase() === 'moving');
    await world.until(() => migration.runsOn(source));
    expect(migration.boots(source)).toBe(1);
  });

  it('stops for a VM that is to be off, which is then shut down where it is', async () => {
    const { site: world } = migration;
    await migration.reach('moving', isCopying);
    await migration.ask((service, caller) =>
      service.stopVm(vm, { force: false, reason: null }, caller),
    );
    await world.until(() => migration.record().phase === 'stopped');
    expect(world.cluster.whereIs(vm)).toEqual([]);
  });

  it('is refused to a node that does not exist, and to its own', async () => {
    const { source } = migration;
    for (const to of ['nowhere', source.name]) {
      const refused = await migration.ask((service, caller) =>
        service.moveVm(vm, { ...live, to }, caller),
      );
      expect(refused).toMatchObject({ kind: 'problem' });
    }
  });
});

describe('a cold move', () => {
  it('shuts a VM down and starts it on the other node', async () => {
    const { site: world, target } = migration;
    await migration.ask((service, caller) =>
      service.moveVm(vm, { ...live, to: target.name, way: 'cold' }, caller),
    );
    await world.until(() => migration.runsOn(target), 120_000);
    expect(world.overlaps()).toEqual([]);
  });

  it('is what a migration falls back to where live does not work out', async () => {
    const { site: world, source, target } = migration;
    source.hypervisor.inject('migrate', { kind: 'fails', code: 'unsafe', message: 'no' });
    await migration.ask((service, caller) =>
      service.moveVm(vm, { ...live, to: target.name, way: 'liveOrCold' }, caller),
    );
    await world.until(() => migration.runsOn(target), 120_000);
    expect(migration.boots(target)).toBe(1);
  });
});

const isMoving = (): boolean => migration.phase() === 'moving';

/**
 * Where a migration is when something dies. The catalogue counts the phases of a migration coarser:
 * its hand-over is the switch-over and the time until the commit.
 */
const moments = {
  prepare: () => migration.phase() === 'preparing',
  'pre-copy': () => isMoving() && isCopying(),
  'switch-over': () => isMoving() && isSwitching(),
  confirm: () => isMoving() && hasArrived(),
  finish: () => migration.isHandedOver(),
} as const;

type Moment = keyof typeof moments;

/** What dies, and how the test brings it back. */
const deaths = {
  'the source': () => migration.source.machine.powerOff(),
  'the target': () => migration.target.machine.powerOff(),
  "the source's agent": () => migration.source.machine.crashAgent(),
  "the target's agent": () => migration.target.machine.crashAgent(),
  "the source's libvirt": () => restartDaemon(migration.source),
  "the target's libvirt": () => restartDaemon(migration.target),
  'the leader': () => {
    const [leader] = migration.site.cluster.leaders();
    leader?.machine.crash('manager');
  },
} as const;

function restartDaemon({ hypervisor }: ClusterNode): void {
  hypervisor.killDaemon();
  hypervisor.after(3000, () => hypervisor.startDaemon());
}

const cells = (Object.keys(deaths) as (keyof typeof deaths)[]).flatMap((who) =>
  (Object.keys(moments) as Moment[]).map((when) => [who, when] as const),
);

/** Of these deaths a node is one: the power of any other node is not to be cut. */
const deathsOfNodes: readonly string[] = ['the source', 'the target'];

describe('V12/*: what dies in a migration', () => {
  it.each(cells)('%s in %s: the VM runs once, and is never on two nodes', async (who, when) => {
    const { site: world } = migration;
    await migration.reachInstant(moments[when]);
    deaths[who]();
    await world.until(() => migration.runsSomewhere(), 300_000);
    await world.runFor(30_000);
    expect(migration.runsSomewhere()).toBe(true);
    expect(world.overlaps()).toEqual([]);
    if (deathsOfNodes.includes(who)) return;
    expect(world.cluster.nodes.map(({ bmc }) => bmc.executed.off)).toEqual([0, 0, 0]);
  });
});

describe('what dies in a migration', () => {
  it('V9: a source that dies while it copies: the copy is dropped before the VM is started', async () => {
    const { site: world, source, target } = migration;
    await migration.reach('moving', isCopying);
    source.machine.powerOff();
    await world.until(() => migration.phase() === 'ending', 120_000);
    await world.until(() => migration.runsSomewhere(), 120_000);
    expect(migration.runsOn(source)).toBe(false);
    expect(migration.domainOn(target)?.transit ?? null).toBeNull();
  });

  it('V10: a source that dies after the hand-over: the guest goes on at the target', async () => {
    const { site: world, source, target } = migration;
    await migration.reach('moving');
    await world.until(() => migration.record().permit?.node === target.name);
    source.machine.powerOff();
    await world.until(() => migration.runsOn(target));
    await world.runFor(60_000);
    expect(migration.boots(target)).toBe(0);
  });

  it('V11/before: a target that dies before the hand-over: the guest goes on at the source', async () => {
    const { site: world, source, target } = migration;
    await migration.reach('moving', isCopying);
    target.machine.powerOff();
    await world.until(() => migration.runsOn(source), 120_000);
    expect(migration.boots(source)).toBe(1);
  });

  it('V11/after: a target that dies after the hand-over: the VM starts once it is proven dead', async () => {
    const { site: world, target } = migration;
    await migration.reach('moving');
    await world.until(() => migration.record().permit?.node === target.name);
    target.machine.powerOff();
    await world.until(() => world.cluster.whereIs(vm).length === 1, 120_000);
    expect(world.cluster.whereIs(vm)).not.toContain(target.name);
    expect(world.stored('fence/F-1')).toMatchObject({ node: target.name, phase: 'proven' });
    await world.until(() => migration.runsSomewhere());
    expect(world.overlaps()).toEqual([]);
  });

  it('V9: with both ends dead, the VM starts only when both are proven dead', async () => {
    const { site: world, source, target } = migration;
    target.bmc.mode = { kind: 'unreachable' };
    await migration.reach('moving', isCopying);
    target.machine.powerOff();
    source.machine.powerOff();
    await world.runFor(60_000);
    expect(world.cluster.whereIs(vm)).toEqual([]);
    expect(migration.phase()).toBe('ending');
    target.bmc.mode = { kind: 'ok' };
    await world.until(() => migration.runsSomewhere(), 300_000);
  });

  it('an answer that is lost at the switch-over leaves a copy that is never woken', async () => {
    const { site: world, source, target } = migration;
    target.hypervisor.inject('finish', { kind: 'ackLost', effectAfterMs: 0 });
    await migration.reach('moving', isCopying);
    await world.until(hasArrived);
    await world.until(() => migration.runsOn(source));
    expect(world.overlaps()).toEqual([]);
    await world.until(() => migration.domainOn(target) === undefined);
  });

  it('a source that has the VM no more and never says so is asked, and the copy is woken', async () => {
    const { site: world, source, target } = migration;
    source.hypervisor.inject('migrate', { kind: 'ackLost', effectAfterMs: 1000 });
    await migration.reach('moving', isCopying);
    await world.until(() => migration.runsOn(target), 30_000);
    expect(world.overlaps()).toEqual([]);
    expect(migration.record().permit?.node).toBe(target.name);
  });
});
