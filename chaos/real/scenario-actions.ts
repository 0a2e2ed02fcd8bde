import type { BmcFault } from '../../deploy/lab/bmc.ts';
import { bmcAddress, managerAddress, nodeAddress } from '../../deploy/lab/layout.ts';
import type { DiskFault } from '../../deploy/lab/host-faults.ts';
import type { Lab } from '../../deploy/lab/lab.ts';
import type { LabNode } from '../../deploy/lab/node-machine.ts';
import { outletFaults } from '../../deploy/lab/pdu.ts';
import type { ScenarioAction } from '../scenarios/action-schema.ts';
import type { KennelAction } from '../scenarios/kennel-schema.ts';
import { killQemu } from './faults.ts';
import type { Person } from './person.ts';
import type { PlaceNames } from './place-names.ts';
import type { Watch } from './watch.ts';

/** What the actions of a timeline act on. */
export interface LabStage {
  readonly watch: Watch;
  readonly names: PlaceNames;
  readonly person: Person;
  /** From a crash of the manager to its next start, ms; null = it stays down. */
  readonly managerRestartMs: number | null;
  readonly later: (delayMs: number, work: () => Promise<void> | void) => void;
}

function machineOf({ watch, names }: LabStage, node: string): LabNode {
  return watch.site.machine(names.labNode(node));
}

/** Carries out one action of the neutral timeline, as far as `labLacks` lets it come here. */
export async function actOnLab(stage: LabStage, action: ScenarioAction): Promise<void> {
  const { watch, person, names } = stage;
  const { lab } = watch.site;
  if ('node' in action && typeof action.node === 'string')
    watch.trouble(names.labNode(action.node));
  switch (action.action) {
    case 'node.power_on': {
      const machine = machineOf(stage, action.node);
      await lab.heal(machine.number);
      await machine.powerOn();
      break;
    }
    case 'node.power_off':
      await machineOf(stage, action.node).powerLoss();
      break;
    case 'node.isolate':
      await lab.partition(machineOf(stage, action.node).number);
      break;
    case 'node.reconnect':
      await lab.heal(machineOf(stage, action.node).number);
      break;
    case 'node.shutdown':
      await machineOf(stage, action.node).shutDown();
      break;
    case 'node.reboot': {
      const machine = machineOf(stage, action.node);
      await machine.shutDown();
      await machine.powerOn();
      break;
    }
    case 'agent.restart':
      machineOf(stage, action.node).signalService('agent', 'SIGKILL');
      break;
    case 'service.set_desired':
      person.vm(verbs[action.desired], names.vmOf(action.service));
      break;
    case 'service.stop':
      person.vm('stop', names.vmOf(action.service));
      break;
    default:
      throw new Error(`${action.action} is nothing that a lab can do`);
  }
}

const verbs = {
  running: 'start',
  stopped: 'stop',
  disabled: 'disable',
  ignored: 'ignore',
} as const;

/** Carries out one action of `x-kennel.timeline`. */
export async function actKennelOnLab(stage: LabStage, action: KennelAction): Promise<void> {
  const { watch, names, person } = stage;
  if ('node' in action) watch.trouble(names.labNode(action.node));
  switch (action.action) {
    case 'link.cut':
    case 'link.heal':
    case 'link.degrade':
      await actOnLink(stage, action);
      break;
    case 'bmc.mode':
      await setBmc(stage, action);
      break;
    case 'petter.crash':
    case 'petter.pause':
    case 'petter.resume':
    case 'vms.unkillable':
      throw new Error(
        `the nodes of this lab are not made for ${action.action}; see scenario-needs`,
      );
    case 'pdu.mode':
      setOutlet(stage, action);
      break;
    case 'manager.crash':
    case 'manager.pause':
    case 'manager.resume':
      await actOnManager(stage, action.action);
      break;
    case 'vm.crash':
      crashVm(stage, action, action.times);
      break;
    case 'guest.shutdown':
    case 'guest.silence':
      throw new Error('the guests of this lab do neither; see scenario-needs');
    case 'person.confirm_off':
      person.confirmOff(names.labNode(action.node), action.reason);
      break;
    case 'person.fence':
      person.fence(names.labNode(action.node), action.reason, action.override);
      break;
    default:
      await actOnMachine(watch.site.lab, machineOf(stage, action.node), action);
  }
}

type Of<Prefix extends string> = Extract<KennelAction, { action: `${Prefix}.${string}` }>;

async function actOnMachine(
  lab: Lab,
  machine: LabNode,
  action: Of<'node' | 'agent' | 'hypervisor'>,
): Promise<void> {
  switch (action.action) {
    case 'node.freeze':
    case 'node.panic':
      await machine.freeze();
      break;
    case 'node.thaw':
      if (machine.power() === 'frozen') await machine.thaw();
      break;
    case 'node.reset':
      await machine.reset();
      break;
    case 'node.state_disk':
      await spoilDisk(lab, machine, action.disk);
      break;
    case 'node.starve':
      lab.setCpuShare({ kind: 'node', node: machine.number }, action.share);
      break;
    case 'agent.crash':
      machine.signalService('agent', 'SIGKILL');
      break;
    case 'agent.pause':
      machine.signalService('agent', 'SIGSTOP');
      break;
    case 'agent.resume':
      machine.signalService('agent', 'SIGCONT');
      break;
    case 'hypervisor.hang':
      machine.signalService('libvirtd', 'SIGSTOP');
      break;
    case 'hypervisor.resume':
      machine.signalService('libvirtd', 'SIGCONT');
      break;
    case 'hypervisor.kill':
      machine.allowService('libvirtd', false);
      machine.signalService('libvirtd', 'SIGKILL');
      break;
    case 'hypervisor.start':
      machine.allowService('libvirtd', true);
      break;
    default:
      action satisfies never;
  }
}

async function spoilDisk(
  lab: Lab,
  machine: LabNode,
  disk: Extract<Of<'node'>, { disk: unknown }>['disk'],
): Promise<void> {
  const host = { kind: 'node', node: machine.number } as const;
  await machine.setStateDisk(disk.kind === 'readOnly' ? 'readOnly' : 'writable');
  const fault: DiskFault =
    disk.kind === 'slow'
      ? { kind: 'slow', delayMs: disk.ms }
      : { kind: disk.kind === 'full' ? 'full' : 'none' };
  await lab.setDiskFault(host, fault);
}

/** Managers of a scenario are one here: whatever several of them do, it does once. */
async function actOnManager(
  { watch, managerRestartMs, later }: LabStage,
  action: Of<'manager'>['action'],
): Promise<void> {
  const { cluster } = watch.site;
  watch.trouble('cluster');
  switch (action) {
    case 'manager.crash':
      if (cluster.managerState() === 'dead') return;
      await cluster.manager().kill();
      if (managerRestartMs === null) return;
      later(managerRestartMs, async () => void (await cluster.startManager()));
      break;
    case 'manager.pause':
      cluster.manager().signal('SIGSTOP');
      break;
    case 'manager.resume':
      cluster.manager().signal('SIGCONT');
      break;
    default:
      action satisfies never;
  }
}

function setOutlet(stage: LabStage, { node, outlet, mode }: Of<'pdu'>): void {
  const fault = outletFaults.find((one) => one === mode.kind);
  if (fault === undefined) throw new Error(`no outlet of a lab is ${mode.kind}`);
  const { number } = machineOf(stage, node);
  stage.watch.site.lab.setOutletFault(number, outlet, fault);
}

async function setBmc(stage: LabStage, { node, mode }: Of<'bmc'>): Promise<void> {
  const { lab } = stage.watch.site;
  const { name, number } = machineOf(stage, node);
  stage.watch.observer.noteNow({ kind: 'bmc', node: name, mode: mode.kind });
  if (mode.kind === 'dead') {
    await lab.stopBmc(number);
    return;
  }
  await lab.startBmc(number);
  const fault = 'ms' in mode ? `${mode.kind}:${mode.ms / 1000}` : mode.kind;
  await lab.setBmcFault(number, fault as BmcFault);
}

async function actOnLink(stage: LabStage, action: Of<'link'>): Promise<void> {
  const { lab } = stage.watch.site;
  const [from, to] = [addressOf(stage, action.from), addressOf(stage, action.to)];
  const directions = action.both
    ? [[from, to] as const, [to, from] as const]
    : [[from, to] as const];
  for (const end of [action.from, action.to]) {
    if (end.startsWith('node:')) stage.watch.trouble(stage.names.labNode(end.slice(5)));
  }
  for (const [a, b] of directions) {
    const name = `link-${a}-${b}`.replaceAll('.', '-');
    if (action.action === 'link.heal') await lab.clearLinkFault(name);
    else {
      const loss = action.action === 'link.cut' ? 1 : action.loss;
      const delayMs = action.action === 'link.degrade' ? action.delay_ms : 0;
      await lab.setLinkFault({ name, from: a, to: b, loss, delayMs });
    }
  }
}

/** `node:node1`, `bmc:node1` or `manager:1` as an address of the lab. */
function addressOf(stage: LabStage, text: string): string {
  const { layout } = stage.watch.site.lab;
  const [kind = '', name = ''] = text.split(/:(.*)/s);
  if (kind === 'manager') return managerAddress(layout, 1);
  const { number } = machineOf(stage, name);
  return kind === 'bmc' ? bmcAddress(layout, number) : nodeAddress(layout, number);
}

function crashVm(stage: LabStage, action: Of<'vm'>, left: number): void {
  const { vm } = stage.names.vmOf(action.service);
  for (const machine of stage.watch.site.lab.nodes()) killQemu(machine, vm);
  if (left <= 1) return;
  stage.later(action.every_seconds * 1000, () => crashVm(stage, action, left - 1));
}
