import type { FenceOperation } from '../../src/core/model/fence-operation.ts';
import type { VmRecord } from '../../src/core/model/vm.ts';
import { decodeObject } from '../../src/manager/object-codec.ts';
import type { SimCluster } from '../sim/cluster.ts';
import type { Monitor } from './monitor.ts';
import type { Names } from './names.ts';
import type { FinalService, RunOutcome } from './outcome.ts';

/** How a service ends, in the words of the format: what runs by the hypervisors, the rest by the store. */
export function finalState(
  services: readonly string[],
  world: { readonly cluster: SimCluster; readonly names: Names; readonly monitor: Monitor },
): Pick<RunOutcome, 'services' | 'inError' | 'wantedButNotRunning'> {
  const { cluster, names, monitor } = world;
  const { machine } = cluster.store;
  const fences = machine.list('fence/').flatMap((item) => {
    const object = decodeObject(item.value);
    return object?.kind === 'fence' ? [object] : [];
  });
  const finals: Record<string, FinalService> = {};
  const inError: string[] = [];
  const wantedButNotRunning: string[] = [];
  for (const service of services) {
    const id = names.vmId(service);
    const item = machine.get(`vm/${id}`);
    const object = item === null ? null : decodeObject(item.value);
    const vm = object?.kind === 'vm' ? object : null;
    const [running] = monitor.nodesOf(id);
    const status = statusOf(vm, fences);
    const owner = running ?? vm?.permit?.node ?? vm?.home ?? null;
    finals[service] = {
      managed: vm !== null && vm.desired !== 'ignored',
      node: owner === null ? null : names.scenarioNode(owner),
      instance: running === undefined ? 'stopped' : 'running',
      status,
    };
    if (status === 'error') inError.push(service);
    if (vm?.desired === 'running' && running === undefined) wantedButNotRunning.push(service);
  }
  return {
    services: finals,
    inError: inError.sort(),
    wantedButNotRunning: wantedButNotRunning.sort(),
  };
}

/** The format's word for a VM's committed phase. */
export function statusOf(vm: VmRecord | null, fences: readonly FenceOperation[]): string {
  if (vm === null) return 'removed-from-ha';
  if (vm.desired === 'ignored') return 'unmanaged';
  const owner = fences.find((fence) => fence.incarnation.id === vm.permit?.incarnation);
  switch (vm.phase) {
    case 'failed':
      return 'error';
    case 'backoff':
      return 'waiting-to-retry';
    case 'stopping':
      return 'stopping';
    case 'stopped':
      if (vm.desired !== 'running') return 'stopped';
      // Nobody but a person gets it to run.
      return vm.lock == null ? 'awaiting-placement' : 'error';
    case 'starting':
    case 'recovering':
    case 'migrating':
    case 'running':
      if (owner?.phase === 'intent' || owner?.phase === 'acting') return 'awaiting-fence';
      if (owner?.proof != null) return 'awaiting-placement';
      if (vm.phase === 'migrating') return 'migrating';
      return vm.phase === 'running' ? 'active' : 'starting';
    default:
      return vm.phase satisfies never;
  }
}
