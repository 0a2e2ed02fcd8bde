import type { VmId } from '../../src/core/model/ids.ts';
import type { Disk } from '../../src/env/disk.ts';
import type { SimPower } from './bmc.ts';
import type { CrashOptions, SimDisk } from './disk.ts';
import type { SimMachine } from './host.ts';
import type { SimHost } from './sim-host.ts';
import type { SimProcess } from './sim-process.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { WriteLog } from './write-log.ts';

/** The power switch that a machine's BMC holds. */
export function powerOf(machine: SimMachine): SimPower {
  return {
    isOn: () => machine.hasPower,
    powerOff: () => machine.powerOff(),
    powerOn: () => machine.powerOn(),
  };
}

/** Lets libvirtd and guests share the machine's fate. The machine must be off as yet. */
export function installHypervisor(machine: SimMachine, hypervisor: SimHost): void {
  if (machine.state !== 'off') throw new Error(`${machine.name} runs already`);
  hypervisor.powerOff();
  machine.onBoot(() => hypervisor.powerOn());
  machine.onPowerLoss(() => hypervisor.powerOff());
  machine.onFreeze((frozen) => {
    if (frozen) hypervisor.freeze();
    else hypervisor.thaw();
  });
}

/** Lets the machine's disk lose what was not synced when power is lost. */
export function installDisk(machine: SimMachine, disk: SimDisk, onPowerLoss: CrashOptions): void {
  machine.onPowerLoss(() => disk.crash(onPowerLoss));
}

/** The machine's disk for one of its processes; calls under way and locks end with the process. */
export function mountDisk(process: SimProcess, disk: SimDisk): Disk {
  const view = disk.attach(process.name);
  process.onDeath(() => view.kill());
  return view;
}

/**
 * Records the VMs' processes of one node as writers of their disks: for `SimHostOptions`. A frozen
 * node's VMs stay writers, since they go on at the thaw.
 */
export function recordWriters(
  log: WriteLog,
  world: {
    readonly time: VirtualTime;
    readonly node: string;
    /** The token that the running domain carries; null for one without a permit. */
    readonly tokenOf: (vm: VmId) => number | null;
    /** What the VM writes to. Default: one disk of its own. */
    readonly disksOf?: (vm: VmId) => readonly string[];
  },
): (vm: VmId, running: boolean) => void {
  const { time, node } = world;
  const disksOf = world.disksOf ?? ((vm: VmId) => [`${vm}/disk`]);
  const open = new Map<VmId, readonly ((endMs: number) => void)[]>();
  return (vm, running) => {
    for (const end of open.get(vm) ?? []) end(time.nowMs);
    open.delete(vm);
    if (!running) return;
    const writer = { vm, node, token: world.tokenOf(vm) };
    open.set(
      vm,
      disksOf(vm).map((disk) => log.begin(disk, writer, time.nowMs)),
    );
  };
}
