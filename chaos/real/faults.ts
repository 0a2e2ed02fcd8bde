import { heartbeatVm, startHeartbeatVm } from '../../deploy/lab/heartbeat-vm.ts';
import type { BmcFault } from '../../deploy/lab/bmc.ts';
import type { WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';
import { groupProcesses } from '../../deploy/lab/control-group.ts';
import type { DiskFault, LabHost } from '../../deploy/lab/host-faults.ts';
import type { LabNode } from '../../deploy/lab/node-machine.ts';
import { identify, signalProcess } from '../../deploy/lab/process-identity.ts';
import { virsh } from '../../deploy/lab/virsh.ts';
import { qemuOf } from './ground.ts';
import type { FaultKind, PlannedFault } from './plan.ts';

/** Ends what a fault did, as far as Kennel has not ended it already. */
type Heal = () => Promise<void> | void;

/** The largest packet that still passes a path that swallows large ones. */
const smallPacketBytes = 600;
const crashLoopEveryMs = 400;

/** Of one CPU: an agent, its libvirtd and its VMs have to share it. */
const starvedShare = 0.05;
/** Half of what FAILURES.md W9 calls slow, each way. */
const slowLinkMs = 250;
/** What a sync of a slow disk takes longer, ms. */
const slowSyncMs = 2000;
const manager = { kind: 'manager', manager: 1 } as const;

const nothing: Heal = () => undefined;

/** Does it, now. @returns how to end it. */
export async function strike(site: WatchedCluster, planned: PlannedFault): Promise<Heal> {
  const { fault, target } = planned;
  if (target === 'cluster') return strikeCluster(site, fault);
  const machine = site.machine(target);
  const bmc = bmcFaultOf(fault);
  if (bmc !== null) return strikeBmc(site, machine, bmc);
  if (fault === 'bmcDead') {
    await site.lab.stopBmc(machine.number);
    return () => site.lab.startBmc(machine.number);
  }
  return isLink(fault) ? strikeLink(site, machine, fault) : strikeNode(site, machine, fault);
}

function bmcFaultOf(fault: FaultKind): BmcFault | null {
  switch (fault) {
    case 'bmcStuck':
      return 'stuck';
    case 'bmcFail':
      return 'fail';
    case 'bmcLieOff':
      return 'lieOff';
    case 'bmcLieOn':
      return 'lieOn';
    case 'bmcSlow':
      return 'slow:3';
    case 'bmcDelayed':
      return 'delayed:8';
    case 'bmcUnreachable':
      return 'unreachable';
    default:
      return null;
  }
}

async function strikeBmc(
  { lab }: WatchedCluster,
  { number }: LabNode,
  to: BmcFault,
): Promise<Heal> {
  await lab.setBmcFault(number, to);
  return () => lab.setBmcFault(number, 'ok');
}

type LinkKind = 'muteNode' | 'deafNode' | 'lossyLink' | 'smallPacketsOnly' | 'slowLink';

const lossOf: Readonly<Record<LinkKind, number>> = {
  muteNode: 1,
  deafNode: 1,
  smallPacketsOnly: 1,
  lossyLink: 0.3,
  slowLink: 0,
};

function isLink(fault: FaultKind): fault is LinkKind {
  return ['muteNode', 'deafNode', 'lossyLink', 'smallPacketsOnly', 'slowLink'].includes(fault);
}

async function strikeLink(
  { lab }: WatchedCluster,
  { number, address }: LabNode,
  kind: LinkKind,
): Promise<Heal> {
  const [there, back] = [`to-managers-${number}`, `from-managers-${number}`];
  const loss = lossOf[kind];
  const long = kind === 'smallPacketsOnly' ? { longerThan: smallPacketBytes } : {};
  const slow = kind === 'slowLink' ? { delayMs: slowLinkMs } : {};
  if (kind !== 'deafNode') {
    await lab.setLinkFault({ name: there, from: address, to: null, loss, ...long, ...slow });
  }
  if (kind !== 'muteNode') {
    await lab.setLinkFault({ name: back, from: null, to: address, loss, ...long, ...slow });
  }
  return async () => {
    await lab.clearLinkFault(there);
    await lab.clearLinkFault(back);
  };
}

type Lack = 'starve' | 'stateFull' | 'stateSlow';

function isLack(fault: FaultKind): fault is Lack & FaultKind {
  return fault === 'starve' || fault === 'stateFull' || fault === 'stateSlow';
}

/** Too little of something under a node's agent. */
function lack(site: WatchedCluster, number: number, fault: Lack): Promise<Heal> {
  const host = { kind: 'node', node: number } as const;
  switch (fault) {
    case 'starve':
      site.lab.setCpuShare(host, starvedShare);
      return Promise.resolve(() => site.lab.setCpuShare(host, null));
    case 'stateFull':
      return spoilDisk(site, host, { kind: 'full' });
    case 'stateSlow':
      return spoilDisk(site, host, { kind: 'slow', delayMs: slowSyncMs });
    default:
      return fault satisfies never;
  }
}

async function strikeNode(site: WatchedCluster, machine: LabNode, fault: FaultKind): Promise<Heal> {
  const { lab } = site;
  const { number } = machine;
  const boot = machine.bootId();
  const powerOn: Heal = async () => {
    if (machine.power() === 'off') await machine.powerOn();
  };
  const ifSameBoot =
    (work: Heal): Heal =>
    async () => {
      if (machine.power() !== 'off' && machine.bootId() === boot) await work();
    };
  if (machine.power() === 'off') return powerOn;
  if (isLack(fault)) return lack(site, number, fault);
  switch (fault) {
    case 'powerLoss':
      await machine.powerLoss();
      return powerOn;
    case 'powerLossWithBmc':
      await lab.stopBmc(number);
      await machine.powerLoss();
      return async () => {
        await lab.startBmc(number);
        await powerOn();
      };
    case 'freeze':
      await machine.freeze();
      return async () => {
        if (machine.power() === 'frozen') await machine.thaw();
      };
    case 'reset':
      await machine.reset();
      return nothing;
    case 'shutDown':
      if (machine.power() === 'on') await machine.shutDown();
      return powerOn;
    case 'killAll':
      await machine.kill();
      return powerOn;
    case 'isolate':
    case 'unplug':
      await lab.partition(number, fault === 'unplug' ? ['management', 'storage'] : ['management']);
      return () => lab.heal(number);
    case 'storageCut':
      await lab.partition(number, ['storage']);
      return () => lab.heal(number);
    case 'agentKill':
      machine.signalService('agent', 'SIGKILL');
      return nothing;
    case 'agentStop':
      machine.signalService('agent', 'SIGSTOP');
      return ifSameBoot(() => void machine.signalService('agent', 'SIGCONT'));
    case 'agentCrashLoop': {
      const kill = (): void => void machine.signalService('agent', 'SIGKILL');
      const timer = setInterval(kill, crashLoopEveryMs);
      return () => clearInterval(timer);
    }
    case 'agentOff':
      machine.allowService('agent', false);
      machine.signalService('agent', 'SIGKILL');
      return () => machine.allowService('agent', true);
    case 'stateReadOnly':
      if (machine.power() === 'on') await machine.setStateDisk('readOnly');
      return ifSameBoot(async () => {
        if (machine.power() === 'on') await machine.setStateDisk('writable');
      });
    case 'libvirtHang':
      machine.signalService('libvirtd', 'SIGSTOP');
      return ifSameBoot(() => void machine.signalService('libvirtd', 'SIGCONT'));
    case 'libvirtKill':
      machine.signalService('libvirtd', 'SIGKILL');
      return nothing;
    default:
      return strikeVm(site, machine, fault);
  }
}

async function spoilDisk({ lab }: WatchedCluster, host: LabHost, fault: DiskFault): Promise<Heal> {
  await lab.setDiskFault(host, fault);
  return () => lab.setDiskFault(host, { kind: 'none' });
}

async function strikeVm(site: WatchedCluster, machine: LabNode, fault: FaultKind): Promise<Heal> {
  if (fault === 'qemuKill') {
    killQemu(machine, null);
    return nothing;
  }
  if (fault !== 'secondWriter') throw new Error(`${fault} is no fault of a node`);
  // Otherwise Kennel stops it before it has written anything.
  machine.signalService('agent', 'SIGSTOP');
  try {
    await startSecondWriter(site, machine);
    machine.signalService('libvirtd', 'SIGSTOP');
  } finally {
    machine.signalService('agent', 'SIGCONT');
  }
  return () => void machine.signalService('libvirtd', 'SIGCONT');
}

async function strikeCluster(site: WatchedCluster, fault: FaultKind): Promise<Heal> {
  const { lab, cluster } = site;
  switch (fault) {
    case 'managerKill':
      await cluster.manager().kill();
      return async () => {
        if (cluster.managerState() === 'dead') await cluster.startManager();
      };
    case 'managerStop':
      cluster.manager().signal('SIGSTOP');
      return () => void cluster.manager().signal('SIGCONT');
    case 'managerCut':
      await lab.setManagerCable(1, 'down');
      return () => lab.setManagerCable(1, 'up');
    case 'managerStarve':
      lab.setCpuShare(manager, starvedShare);
      return () => lab.setCpuShare(manager, null);
    case 'storeFull':
      return spoilDisk(site, manager, { kind: 'full' });
    case 'storeSlow':
      return spoilDisk(site, manager, { kind: 'slow', delayMs: slowSyncMs });
    case 'storageStop':
      await lab.process('storage').freeze();
      return () => lab.process('storage').thaw();
    case 'everyNodeCut':
      for (const node of lab.nodes()) await lab.partition(node.number);
      return async () => {
        for (const node of lab.nodes()) await lab.heal(node.number);
      };
    case 'everyAgentKill':
      for (const node of lab.nodes()) node.signalService('agent', 'SIGKILL');
      return nothing;
    default:
      throw new Error(`${fault} is no fault of the cluster`);
  }
}

/** SIGKILL to the QEMU of a VM on a node, or to the first one there is. @returns false: none is. */
export function killQemu(machine: LabNode, vm: string | null): boolean {
  for (const pid of groupProcesses(machine.group)) {
    const identity = identify(pid);
    if (identity === null) continue;
    const found = qemuOf(pid);
    if (found === null || (vm !== null && found.vm !== vm)) continue;
    return signalProcess(identity, 'SIGKILL');
  }
  return false;
}

/** A person's hand: boots a VM that runs elsewhere a second time, past Kennel. */
async function startSecondWriter(site: WatchedCluster, machine: LabNode): Promise<void> {
  const { vms } = await site.status();
  const vm = vms.find((one) => one.state === 'running' && one.node !== machine.name);
  const source = vm?.spec.disks[0]?.source;
  const disk = site.lab.disks().find((one) => source?.kind === 'nbd' && one.name === source.export);
  if (vm === undefined || disk === undefined) throw new Error('no VM runs elsewhere');
  const domain = { ...heartbeatVm(disk), name: `${vm.name}-again`, uuid: vm.id };
  // An earlier owner may have left its definition there.
  await virsh(machine.libvirtSocket, ['undefine', vm.id]);
  const started = await startHeartbeatVm(machine, domain);
  if (started.code !== 0) throw new Error(started.stderr);
}
