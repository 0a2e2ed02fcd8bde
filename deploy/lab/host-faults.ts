import { readFileSync } from 'node:fs';
import { cpuController, cpuShare, setCpuShare } from './cpu-share.ts';
import { fillDisk, mendDisk, slowDisk } from './disk-faults.ts';
import type { LabBook } from './lab-book.ts';
import { LabError } from './lab-error.ts';
import { requireProcess } from './lab-process.ts';
import type { Lab, LabPlace } from './lab.ts';
import { managerName, storeDirectory } from './layout.ts';

/** A machine of the lab: one on which agents or managers run. */
export type LabHost = Exclude<LabPlace, { kind: 'fabric' }>;

/**
 * What is wrong with the disk on which an agent or a manager keeps its state. `full` needs a lab with
 * small disks. `slow`: every sync takes that much longer, until the process ends.
 */
export type DiskFault =
  | { readonly kind: 'none' }
  | { readonly kind: 'full' }
  | { readonly kind: 'slow'; readonly delayMs: number };

/** Faults of the machine under an agent or a manager: too little CPU time, a slow or full disk. */
export class HostFaults {
  readonly #lab: Pick<Lab, 'node' | 'process' | 'layout'>;
  readonly #book: LabBook;

  constructor(lab: Pick<Lab, 'node' | 'process' | 'layout'>, book: LabBook) {
    this.#lab = lab;
    this.#book = book;
  }

  /** @throws LabError LAB_NO_DISK, or LAB_NO_SERVICE when the process that is to be slow is dead. */
  async setDisk(host: LabHost, fault: DiskFault): Promise<void> {
    const { name, disk } = this.#host(host);
    await mendDisk(this.#book, name, disk);
    if (fault.kind === 'full') await fillDisk(this.#book, name, disk);
    if (fault.kind !== 'slow') return;
    await slowDisk(this.#book, name, { pid: this.#servicePid(host), delayMs: fault.delayMs });
  }

  /**
   * Leaves all that runs now on a node, or a manager, so much of one CPU, 0 to 1; null = no limit. A
   * limit ends with the power of the node, or with the manager's process.
   *
   * @throws LabError LAB_NO_CPU on a machine whose control groups have no limits of CPU time.
   */
  setCpuShare(host: LabHost, share: number | null): void {
    const controller = cpuController(readFileSync('/proc/self/mounts', 'utf8'));
    if (controller !== null) {
      setCpuShare(controller, this.#groups(host), share);
    } else if (share !== null) {
      throw new LabError(
        'LAB_NO_CPU',
        'CPU time cannot be limited',
        'no control group of this machine has the controller cpu',
        'mount it, or try another fault',
      );
    }
  }

  /** Null = no limit. */
  cpuShare(host: LabHost): number | null {
    const controller = cpuController(readFileSync('/proc/self/mounts', 'utf8'));
    return controller === null ? null : cpuShare(controller, this.#groups(host));
  }

  /** Name of a machine, and where its agent or manager keeps what it must not forget. */
  #host(host: LabHost): { readonly name: string; readonly disk: string } {
    if (host.kind === 'node') {
      const { name, agentDirectory: disk } = this.#lab.node(host.node);
      return { name, disk };
    }
    const disk = storeDirectory(this.#lab.layout, host.manager);
    return { name: managerName(host.manager), disk };
  }

  #groups(host: LabHost): { readonly labGroup: string; readonly group: string } {
    const { group: labGroup } = this.#book.record();
    const group =
      host.kind === 'node'
        ? this.#lab.node(host.node).group
        : requireProcess(this.#book, managerName(host.manager)).group;
    return { labGroup, group };
  }

  #servicePid(host: LabHost): number {
    const pid =
      host.kind === 'node'
        ? this.#lab.node(host.node).servicePid('agent')
        : this.#lab.process(managerName(host.manager)).pid;
    if (pid !== null) return pid;
    throw new LabError(
      'LAB_NO_SERVICE',
      `service of ${this.#host(host).name}`,
      'it does not run',
      'see `kennel lab status`',
    );
  }
}
