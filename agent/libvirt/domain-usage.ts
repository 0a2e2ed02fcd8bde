import { vmId, type VmId } from '../../src/core/model/ids.ts';
import type { DomainUsage } from '../hypervisor.ts';
import { uuidText } from './domain-ref.ts';
import type { DomainStats } from './procedures.ts';
import type { Parameter } from './typed-parameters.ts';

interface Sample {
  readonly domainId: number;
  readonly cpuNs: number;
  readonly atMs: number;
}

/**
 * CPUs from the growth of libvirt's counters between two samples. A domain that is new, or was started
 * anew, is told from its second sample on.
 */
export class UsageMeter {
  #samples = new Map<VmId, Sample>();

  take(records: readonly DomainStats[], atMs: number): readonly DomainUsage[] {
    const next = new Map<VmId, Sample>();
    const usage: DomainUsage[] = [];
    for (const { domain, parameters } of records) {
      const cpuNs = numberOf(parameters, 'cpu.time');
      const rssKib = numberOf(parameters, 'balloon.rss');
      if (cpuNs === null || rssKib === null) continue;
      const vm = vmId(uuidText(domain.uuid));
      const before = this.#samples.get(vm);
      next.set(vm, { domainId: domain.id, cpuNs, atMs });
      if (before?.domainId !== domain.id || atMs <= before.atMs) continue;
      const cpus = Math.max(0, cpuNs - before.cpuNs) / 1e6 / (atMs - before.atMs);
      usage.push({
        vm,
        cpus: Math.round(cpus * 100) / 100,
        memoryMiB: Math.round(rssKib / 1024),
      });
    }
    this.#samples = next;
    return usage;
  }
}

function numberOf(parameters: readonly Parameter[], field: string): number | null {
  const value = parameters.find((parameter) => parameter.field === field)?.value;
  return value?.type === 'ulong' || value?.type === 'long' ? Number(value.value) : null;
}
