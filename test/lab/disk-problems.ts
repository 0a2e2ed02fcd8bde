import type { WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';

/**
 * What disks, libvirt and witness say against a failover that is over: each VM of the lost node
 * booted once, no other at all, each is active on one node, and no disk had two writers.
 *
 * @param boots how often each disk had been booted from before.
 */
export async function diskProblems(
  site: WatchedCluster,
  {
    vms,
    boots,
  }: { readonly vms: readonly string[]; readonly boots: Readonly<Record<string, number>> },
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const [disk, before] of Object.entries(boots)) {
    const wanted = vms.includes(disk) ? 1 : 0;
    const times = site.boots(disk) - before;
    if (times !== wanted) problems.push(`${disk} booted ${times} times, not ${wanted}`);
  }
  for (const [vm, nodes] of await site.copies()) {
    if (nodes.length !== 1) problems.push(`${vm} is active on ${nodes.join(', ') || 'no node'}`);
  }
  for (const { overlaps } of site.testimony()) {
    for (const { disk } of overlaps) problems.push(`${disk} had two writers`);
  }
  return problems;
}
