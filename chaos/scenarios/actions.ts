import { vmSpecSchema } from '../../src/api/schema/vm-spec.ts';
import { vmId } from '../../src/core/model/ids.ts';
import { defaultMigrationLimits } from '../../src/core/model/move.ts';
import type { SimCluster } from '../sim/cluster.ts';
import type { ClusterNode } from '../sim/cluster-node.ts';
import type { ScenarioAction } from './action-schema.ts';
import type { PersonAtCommands } from './commands.ts';
import type { Monitor } from './monitor.ts';
import type { Names } from './names.ts';
import type { Scenario } from './schema.ts';
import { lockKind, sizeOf, specOfService } from './seed.ts';
import type { Sites } from './sites.ts';

/** What the actions of a timeline act on. */
export interface Stage {
  readonly scenario: Scenario;
  readonly cluster: SimCluster;
  readonly sites: Sites;
  readonly names: Names;
  readonly person: PersonAtCommands;
  readonly monitor: Monitor;
  /** What the guests of services use. */
  readonly used: Map<string, { readonly cpus: number; readonly memoryMiB: number }>;
}

/** Carries out one action of the neutral timeline at this instant. */
export function act(stage: Stage, action: ScenarioAction): void {
  switch (action.action) {
    case 'node.power_on':
    case 'node.power_off':
    case 'node.isolate':
    case 'node.reconnect':
    case 'node.shutdown':
    case 'node.reboot':
      actOnNode(stage, action);
      break;
    case 'node.state_store_access':
    case 'node.state_store_refresh':
    case 'agent.restart':
    case 'manager.stop':
    case 'manager.start':
      actOnProcess(stage, action);
      break;
    case 'node.maintenance':
      maintain(stage, action);
      break;
    case 'cluster.disarm':
    case 'cluster.arm':
      armOrDisarm(stage, action);
      break;
    // One leader reads the rules, so that they bind whatever runs on the nodes.
    case 'node.set_software_version':
    // These hold up the simulator of the other system, and nothing in the world outside.
    case 'sim.pause_managers':
    case 'sim.pause_agents':
      break;
    default:
      actOnService(stage, action);
  }
}

type Of<Name extends ScenarioAction['action']> = Extract<ScenarioAction, { action: Name }>;

function actOnNode(
  stage: Stage,
  action: Of<
    | 'node.power_on'
    | 'node.power_off'
    | 'node.isolate'
    | 'node.reconnect'
    | 'node.shutdown'
    | 'node.reboot'
  >,
): void {
  const { sites } = stage;
  const index = stage.names.indexOf(action.node);
  const node = nodeOf(stage, action.node);
  switch (action.action) {
    case 'node.power_on':
      sites.reconnect(index);
      node.machine.powerOn();
      break;
    case 'node.power_off':
      node.machine.powerOff();
      break;
    case 'node.isolate':
      sites.isolate(index);
      break;
    case 'node.reconnect':
      sites.reconnect(index);
      break;
    case 'node.shutdown':
      node.power.begin('shutdown');
      break;
    case 'node.reboot':
      node.power.begin('reboot');
      break;
    default:
      action satisfies never;
  }
}

function actOnProcess(
  stage: Stage,
  action: Of<
    | 'node.state_store_access'
    | 'node.state_store_refresh'
    | 'agent.restart'
    | 'manager.stop'
    | 'manager.start'
  >,
): void {
  const { sites } = stage;
  const index = stage.names.indexOf(action.node);
  switch (action.action) {
    case 'node.state_store_access':
    case 'node.state_store_refresh':
      sites.setStoreAccess(index, action.works);
      break;
    case 'agent.restart':
      nodeOf(stage, action.node).machine.restartAgent();
      break;
    case 'manager.stop':
      sites.managerOf(index)?.machine.crash('manager');
      break;
    case 'manager.start':
      sites.managerOf(index)?.machine.restart('manager');
      break;
    default:
      action satisfies never;
  }
}

function armOrDisarm({ person }: Stage, action: Of<'cluster.disarm' | 'cluster.arm'>): void {
  if (action.action === 'cluster.arm') {
    person.give('kennel arm', (service, caller) => service.arm(caller));
    return;
  }
  const { mode } = action;
  person.give(`kennel disarm --mode ${mode}`, (service, caller) =>
    service.disarm({ mode, forMs: null }, caller),
  );
}

type ServiceAction = Extract<ScenarioAction, { action: `service.${string}` }>;

function actOnService(stage: Stage, action: ServiceAction): void {
  switch (action.action) {
    case 'service.moved_outside_ha':
      moveByHand(stage, action);
      break;
    case 'service.set_usage':
      setUsage(stage, action.service, action);
      resize(stage, action);
      break;
    case 'service.lock':
    case 'service.unlock':
      lock(stage, action);
      break;
    case 'service.set_desired':
    case 'service.stop':
    case 'service.add':
    case 'service.remove':
    case 'service.migrate':
    case 'service.relocate':
      command(stage, action);
      break;
    default:
      action satisfies never;
  }
}

export function nodeOf(stage: Stage, name: string): ClusterNode {
  return stage.cluster.node(stage.names.simNode(name));
}

/** The format knows no refusal of maintenance: what has no place stays, and says why. */
function maintain({ names, person }: Stage, { node, on }: Of<'node.maintenance'>): void {
  const wish = { stuck: 'leave', deadlineMs: null, force: true } as const;
  const body = on ? ({ want: 'maintenance', ...wish } as const) : ({ want: 'exit' } as const);
  person.give(`kennel node maintenance ${on ? 'enter' : 'exit'} ${node}`, (service, caller) =>
    service.maintenance.change(names.simNode(node), body, caller),
  );
}

/** What a person would type. */
function command(
  stage: Stage,
  action: Of<
    | 'service.set_desired'
    | 'service.stop'
    | 'service.add'
    | 'service.remove'
    | 'service.migrate'
    | 'service.relocate'
  >,
): void {
  const { names, person } = stage;
  const vm = names.vmName(action.service);
  const text = `${action.action} ${action.service}`;
  switch (action.action) {
    case 'service.set_desired':
      setDesired(stage, vm, action.desired, text);
      break;
    case 'service.stop': {
      const force = action.timeout_seconds === 0;
      person.give(text, (service, caller) => service.stopVm(vm, { force, reason: null }, caller));
      break;
    }
    case 'service.add':
      add(stage, action, text);
      break;
    case 'service.remove':
      person.give(text, (service, caller) => service.forgetVm(vm, caller));
      break;
    case 'service.migrate':
    case 'service.relocate': {
      const to = names.simNode(action.to);
      // A service that cannot be migrated is moved by a stop and a start, as its type says.
      const isLive = action.action === 'service.migrate' && canMigrate(stage, action.service);
      const move = {
        to,
        way: isLive ? 'live' : 'cold',
        limits: defaultMigrationLimits,
        // There, rules about nodes bind the manager and not the person who names one.
        despiteNodeRules: true,
      } as const;
      person.give(text, (service, caller) => service.moveVm(vm, move, caller));
      break;
    }
    default:
      action satisfies never;
  }
}

function canMigrate({ scenario }: Stage, id: string): boolean {
  return scenario.services.find((service) => service.id === id)?.type !== 'container';
}

function setDesired(
  stage: Stage,
  vm: string,
  desired: Scenario['services'][number]['desired'],
  text: string,
): void {
  const { person } = stage;
  switch (desired) {
    case 'running':
      person.give(text, (service, caller) => service.startVm(vm, caller));
      break;
    case 'stopped':
      person.give(text, (service, caller) =>
        service.stopVm(vm, { force: false, reason: null }, caller),
      );
      break;
    case 'disabled':
      person.give(text, (service, caller) =>
        service.disableVm(vm, { force: false, reason: null }, caller),
      );
      break;
    case 'ignored':
      person.give(text, (service, caller) => service.ignoreVm(vm, caller));
      break;
    default:
      desired satisfies never;
  }
}

/** A person migrates the VM from wherever it runs; one that is off has nothing to move. */
function moveByHand(stage: Stage, action: Of<'service.moved_outside_ha'>): void {
  const { cluster, monitor, names } = stage;
  const vm = vmId(names.vmId(action.service));
  const target = nodeOf(stage, action.to).hypervisor;
  for (const from of monitor.nodesOf(vm)) {
    monitor.byPerson(() => cluster.node(from).hypervisor.migrateByHand(vm, target));
  }
}

/** A person starts the VM past Kennel, where and before it is added. */
export function startByHand(stage: Stage, action: Of<'service.add'>): void {
  const { monitor, names } = stage;
  const { hypervisor } = nodeOf(stage, action.node);
  const vm = vmId(names.vmId(action.service));
  monitor.byPerson(() => hypervisor.startByHand(vm, names.vmName(action.service)));
}

/** From now on its guest uses that much; what is not said of it stays as it was. */
export function setUsage(
  { cluster, names, used }: Stage,
  service: string,
  usage: NonNullable<Scenario['services'][number]['usage']>,
): void {
  if (usage.cpu_used === undefined && usage.memory_used_bytes === undefined) return;
  const before = used.get(service) ?? { cpus: 0, memoryMiB: 0 };
  const { cpu_used: cpus = before.cpus, memory_used_bytes: bytes } = usage;
  const memoryMiB = bytes === undefined ? before.memoryMiB : Math.round(bytes / 1024 / 1024);
  used.set(service, { cpus, memoryMiB });
  const vm = vmId(names.vmId(service));
  for (const { hypervisor } of cluster.nodes) hypervisor.meter.set({ vm, cpus, memoryMiB });
}

/** A person gives it another size; where it runs it has that from its next start on. */
function resize({ names, person, scenario }: Stage, action: Of<'service.set_usage'>): void {
  const { cpus, memory_bytes: bytes, service: id, t_seconds: t } = action;
  if (cpus === undefined && bytes === undefined) return;
  const isNew = scenario.timeline.some(
    (one) => one.action === 'service.add' && one.service === id && one.t_seconds === t,
  );
  if (isNew) return;
  const vm = names.vmName(id);
  person.give(`service.set_usage ${id}`, async (service, caller) => {
    const seen = await service.vm(vm);
    if (seen.kind === 'problem') return seen;
    const before = seen.value.staged ?? seen.value.spec;
    const { vcpus, memoryMiB } = sizeOf({ cpus, memory_bytes: bytes });
    const size = {
      ...(cpus === undefined ? {} : { vcpus }),
      ...(bytes === undefined ? {} : { memoryMiB }),
    };
    return service.vmVerbs.edit(vm, { spec: { ...before, ...size }, before: null }, caller);
  });
}

function lock({ names, person }: Stage, action: Of<'service.lock' | 'service.unlock'>): void {
  const vm = names.vmName(action.service);
  const text = `${action.action} ${action.service}`;
  person.give(text, (service, caller) =>
    action.action === 'service.lock'
      ? service.vmVerbs.lock(vm, { kind: lockKind(action.lock), reason: null }, caller)
      : service.vmVerbs.unlock(vm, caller),
  );
}

/** Its size, also when it is said in an action of its own in the same instant. */
function usageFrom(
  { timeline }: Scenario,
  { service, t_seconds: t, usage }: Of<'service.add'>,
): Of<'service.add'>['usage'] {
  const said = timeline.flatMap((one) =>
    one.action === 'service.set_usage' && one.service === service && one.t_seconds === t
      ? [
          {
            ...(one.cpus === undefined ? {} : { cpus: one.cpus }),
            ...(one.memory_bytes === undefined ? {} : { memory_bytes: one.memory_bytes }),
          },
        ]
      : [],
  );
  return said.length === 0 ? usage : Object.assign({}, usage, ...said);
}

function add(stage: Stage, action: Of<'service.add'>, text: string): void {
  const { names, person } = stage;
  const { desired = 'running', service: id, node: at } = action;
  const usage = usageFrom(stage.scenario, action);
  const { type = 'vm', failback = true, max_restart = 1, max_relocate = 1 } = action;
  const seed = { id, type, node: at, desired, max_restart, max_relocate, usage, failback };
  const spec = vmSpecSchema.parse(specOfService(seed, names));
  const node = names.simNode(action.node);
  person.give(text, (service, caller) =>
    service.createVm({ id: names.vmId(id), spec, desired, node }, caller),
  );
}
