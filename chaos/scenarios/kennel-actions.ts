import { lanProfile } from '../sim/link.ts';
import type { ClusterManager } from '../sim/cluster-manager.ts';
import type { SimDisk } from '../sim/disk.ts';
import type { Stage } from './actions.ts';
import { nodeOf } from './actions.ts';
import type { KennelAction } from './kennel-schema.ts';
import { starve } from './starvation.ts';

/** Carries out one action of `x-kennel.timeline` at this instant. */
export function actKennel(stage: Stage, action: KennelAction): void {
  switch (action.action) {
    case 'link.cut':
    case 'link.heal':
    case 'link.degrade':
      actOnLink(stage, action);
      break;
    case 'bmc.mode':
      nodeOf(stage, action.node).bmc.mode = action.mode;
      break;
    case 'pdu.mode':
      nodeOf(stage, action.node).pdus[`pdu-${action.outlet}`].mode = action.mode;
      break;
    case 'manager.crash':
    case 'manager.pause':
    case 'manager.resume':
      actOnManager(stage, action);
      break;
    case 'hypervisor.hang':
    case 'hypervisor.resume':
    case 'hypervisor.kill':
    case 'hypervisor.start':
      actOnHypervisor(stage, action);
      break;
    case 'petter.crash':
    case 'petter.pause':
    case 'petter.resume':
      actOnPetter(stage, action);
      break;
    case 'vms.unkillable':
      makeUnkillable(stage, action);
      break;
    case 'vm.crash':
      crashVm(stage, action, action.times);
      break;
    case 'guest.shutdown':
    case 'guest.silence':
      actOnGuest(stage, action);
      break;
    case 'person.confirm_off':
    case 'person.fence':
      actAsPerson(stage, action);
      break;
    default:
      actOnNode(stage, action);
  }
}

type Of<Prefix extends string> = Extract<KennelAction, { action: `${Prefix}.${string}` }>;

function actOnLink(stage: Stage, action: Of<'link'>): void {
  const { sites } = stage;
  const [from, to] = [hostOf(stage, action.from), hostOf(stage, action.to)];
  const directions = action.both
    ? ([
        [from, to],
        [to, from],
      ] as const)
    : ([[from, to]] as const);
  for (const [a, b] of directions) {
    if (action.action === 'link.cut') sites.cutLink(a, b);
    else if (action.action === 'link.heal') {
      sites.healLink(a, b);
      sites.setProfile(a, b, lanProfile);
    } else {
      const { delay_ms: delayMs, loss } = action;
      const { minMs, usualMs, slowMs } = lanProfile;
      sites.setProfile(a, b, {
        ...lanProfile,
        minMs: minMs + delayMs,
        usualMs: usualMs + delayMs,
        slowMs: slowMs + delayMs,
        loss,
      });
    }
  }
}

/** `node:node1`, `bmc:node1` or `manager:1` as a host of the simulated network. */
function hostOf(stage: Stage, text: string): string {
  const [kind = '', name = ''] = text.split(/:(.*)/s);
  if (kind === 'node') return stage.names.simNode(name);
  if (kind === 'bmc') return nodeOf(stage, name).fencedBy.bmcHost;
  const manager = stage.cluster.managers[Number(name) - 1];
  if (manager === undefined) throw new Error(`${stage.scenario.id}: there is no ${text}`);
  return manager.name;
}

function actOnNode(stage: Stage, action: Of<'node' | 'agent'>): void {
  const node = nodeOf(stage, action.node);
  switch (action.action) {
    case 'node.freeze':
      node.machine.freeze();
      break;
    case 'node.thaw':
      node.machine.thaw();
      break;
    case 'node.panic':
      node.machine.panic();
      break;
    case 'node.reset':
      node.machine.reset();
      break;
    case 'node.state_disk':
      spoilDisk(node.disk, action.disk);
      break;
    case 'node.starve':
      starve(stage.cluster.world.time, node, action.share);
      break;
    case 'agent.crash':
      node.machine.crashAgent();
      break;
    case 'agent.pause':
      node.process?.pause('stopped');
      break;
    case 'agent.resume':
      node.process?.resume('stopped');
      break;
    default:
      action satisfies never;
  }
}

function spoilDisk(disk: SimDisk, state: Extract<Of<'node'>, { disk: unknown }>['disk']): void {
  disk.clearFaults();
  switch (state.kind) {
    case 'ok':
      break;
    case 'readOnly':
      disk.inject({ operation: 'write', code: 'EROFS', times: Number.MAX_SAFE_INTEGER });
      break;
    case 'full':
      disk.setCapacity(0);
      break;
    case 'slow':
      disk.slowBy(state.ms);
      break;
    default:
      state satisfies never;
  }
}

function actOnHypervisor(stage: Stage, action: Of<'hypervisor'>): void {
  const { hypervisor } = nodeOf(stage, action.node);
  switch (action.action) {
    case 'hypervisor.hang':
      hypervisor.hangDaemon();
      break;
    case 'hypervisor.resume':
      hypervisor.resumeDaemon();
      break;
    case 'hypervisor.kill':
      hypervisor.killDaemon();
      break;
    case 'hypervisor.start':
      hypervisor.startDaemon();
      break;
    default:
      action satisfies never;
  }
}

function actOnPetter(stage: Stage, action: Of<'petter'>): void {
  const { machine, watchdog } = nodeOf(stage, action.node);
  switch (action.action) {
    case 'petter.crash':
      machine.crash('watchdog');
      break;
    case 'petter.pause':
      watchdog?.process?.pause('stopped');
      break;
    case 'petter.resume':
      watchdog?.process?.resume('stopped');
      break;
    default:
      action satisfies never;
  }
}

/** As processes are that hang in dead storage. */
function makeUnkillable(stage: Stage, { node }: Of<'vms'>): void {
  const { hypervisor } = nodeOf(stage, node);
  for (const { vm } of hypervisor.domains()) {
    hypervisor.setTemper(vm, { starts: () => true, stops: false });
  }
}

function actOnManager(stage: Stage, action: Of<'manager'>): void {
  const manager = managerOf(stage, action.manager);
  switch (action.action) {
    case 'manager.crash':
      manager?.machine.crash('manager');
      break;
    case 'manager.pause':
      manager?.process?.pause('stopped');
      break;
    case 'manager.resume':
      manager?.process?.resume('stopped');
      break;
    default:
      action satisfies never;
  }
}

/** Undefined when nobody leads, or there is no manager of that number. */
function managerOf(stage: Stage, which: number | 'leader'): ClusterManager | undefined {
  const { cluster } = stage;
  if (which !== 'leader') return cluster.managers[which - 1];
  return cluster.managers.find((manager) => manager.name === cluster.store.leader);
}

/** The VM's process dies, as often as asked; each time wherever it runs then. */
function crashVm(stage: Stage, action: Of<'vm'>, left: number): void {
  const { cluster, names } = stage;
  const id = names.vmId(action.service);
  for (const { hypervisor } of cluster.nodes) {
    const vm = hypervisor.writers().find((one) => one === id);
    if (vm !== undefined) hypervisor.crash(vm);
  }
  if (left <= 1) return;
  const again = (): void => crashVm(stage, action, left - 1);
  cluster.world.time.schedule(action.every_seconds * 1000, again);
}

function actOnGuest({ cluster, names }: Stage, { action, service }: Of<'guest'>): void {
  const id = names.vmId(service);
  for (const { hypervisor } of cluster.nodes) {
    const vm = hypervisor.writers().find((one) => one === id);
    if (vm === undefined) continue;
    if (action === 'guest.shutdown') hypervisor.guestShutdown(vm);
    else hypervisor.silence(vm);
  }
}

function actAsPerson(stage: Stage, action: Of<'person'>): void {
  const node = stage.names.simNode(action.node);
  const { reason } = action;
  const text = `${action.action} ${action.node}`;
  if (action.action === 'person.confirm_off') {
    stage.person.give(text, (service, caller) =>
      service.confirmOff(node, { fence: null, reason }, caller),
    );
    return;
  }
  const { override } = action;
  stage.person.give(text, (service, caller) =>
    service.fenceNode(node, { reason, override }, caller),
  );
}
