import type { HtoolsText } from '../../../src/cli/plan/htools-text.ts';

const group = '11111111-1111-1111-1111-111111111111';
const policy =
  '128,1,1024,1,1,1|128,1,1024,1,1,1;32768,8,1048576,16,8,12|diskless,file,sharedfile,plain,blockdev,drbd,rbd,ext,gluster|64.0|3200.0';

/** Numbers that look random and are the same each time (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A site about half full by memory: VMs of 1–8 GiB and 1–4 vCPUs one after the other on the nodes,
 * shared storage, the first `lost` nodes offline.
 */
export function generatedSite(nodes: number, vms: number, lost: number): HtoolsText {
  const next = numbers(1);
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(next() * choices.length)] as T;
  const perNode = Math.floor(vms / nodes) + 1;
  const memoryMiB = perNode * 4096 * 2;
  const cpus = Math.max(16, perNode * 2);
  const diskMiB = 10_240 * perNode;
  const used = Array.from({ length: nodes }, () => 0);
  const instances = Array.from({ length: vms }, (_, index) => {
    const node = index % nodes;
    const memory = pick([1024, 2048, 4096, 8192]);
    used[node] = (used[node] ?? 0) + memory;
    return [
      `vm${index}`,
      String(memory),
      '10240',
      String(pick([1, 2, 4])),
      'running',
      'Y',
      `node${node}`,
      '',
      'ext',
      '',
      '1',
      '1',
      'N',
    ];
  });
  const rows = Array.from({ length: nodes }, (_, index) => [
    `node${index}`,
    String(memoryMiB),
    '0',
    String(Math.max(0, memoryMiB - (used[index] ?? 0))),
    String(diskMiB * 8),
    String(diskMiB * 4),
    String(cpus),
    index < lost ? 'Y' : index === lost ? 'M' : 'N',
    group,
    '1',
    '',
    'N',
    '0',
    '1',
    '1.0',
  ]);
  return {
    groups: [['g1', group, 'preferred', '', '']],
    nodes: rows,
    instances,
    tags: [],
    policies: [`|${policy}`, `g1|${policy}`],
  };
}
