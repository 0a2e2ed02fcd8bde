import { nodeId, type NodeId } from '../../core/model/ids.ts';
import { planBalance } from '../../core/placement/balance.ts';
import { explainPlacement } from '../../core/placement/explain-placement.ts';
import type { SiteSnapshot } from '../../core/placement/snapshot.ts';
import {
  whatIfColdStart,
  whatIfEvacuated,
  whatIfNodesFail,
  type WhatIf,
} from '../../core/placement/what-if.ts';
import { KennelError } from '../../errors/kennel-error.ts';
import type { Call } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import { formatHtools, htoolsOfSnapshot } from '../plan/htools-text.ts';
import { readSite } from '../plan/site-file.ts';
import { wrap } from '../render/columns.ts';

export async function planFail(call: Call, list: string, file: string | null): Promise<number> {
  const site = await readSite(call, file);
  return printWhatIf(call, whatIfNodesFail(site, nodesOf(list, site)));
}

export async function planEvacuate(call: Call, list: string, file: string | null): Promise<number> {
  const site = await readSite(call, file);
  return printWhatIf(call, whatIfEvacuated(site, nodesOf(list, site)));
}

export async function planStart(call: Call, file: string | null): Promise<number> {
  return printWhatIf(call, whatIfColdStart(await readSite(call, file)));
}

export async function planMoves(call: Call, file: string | null): Promise<number> {
  const { imbalance, moves } = planBalance(await readSite(call, file));
  const value = {
    imbalance,
    moves: moves.map(({ vm, from, to, because }) => ({ vm: vm.spec.name, from, to, because })),
  };
  await print(call, value, () => {
    const lines = value.moves.map(
      (move) => `${move.vm}: ${move.from} → ${move.to}, ${move.because}`,
    );
    const shown = `imbalance ${imbalance.before.toFixed(3)}`;
    return lines.length === 0
      ? `no move is worth it (${shown})`
      : [...lines, `${shown}, ${imbalance.after.toFixed(3)} after ${lines.length} moves`].join(
          '\n',
        );
  });
  return exitCodes.done;
}

export async function exportSite(
  call: Call,
  options: { readonly state: string | null; readonly format: 'json' | 'htools' },
): Promise<number> {
  const site = await readSite(call, options.state);
  const text =
    options.format === 'htools'
      ? formatHtools(htoolsOfSnapshot(site))
      : `${JSON.stringify({ format: 'kennel-site/1', ...site }, null, 2)}\n`;
  call.world.terminal.write(text);
  return exitCodes.done;
}

function nodesOf(list: string, site: SiteSnapshot): readonly NodeId[] {
  const names = list.split(',').filter((name) => name !== '');
  const unknown = names.find((name) => !site.nodes.some((node) => node.id === name));
  if (unknown === undefined) return names.map(nodeId);
  throw new KennelError({
    code: 'E_NOT_FOUND',
    what: `there is no node ${unknown}`,
    because: 'its name is not known here',
    so: 'nothing was planned',
    try: ['kennel node ls'],
  });
}

async function printWhatIf(call: Call, { placed, spread }: WhatIf): Promise<number> {
  const vms = placed.map(({ waiting: { vm }, placement }) => ({
    vm: vm.spec.name,
    priority: vm.spec.priority,
    memoryMiB: vm.spec.memoryMiB,
    from: vm.node,
    to: placement.kind === 'placed' ? placement.node : null,
    because: explainPlacement(placement),
    refused: placement.refused,
  }));
  const homeless = vms.filter((vm) => vm.to === null);
  const lackingMiB = homeless.reduce((sum, vm) => sum + vm.memoryMiB, 0);
  await print(call, { vms, homeless: homeless.length, lackingMiB, spread }, ({ columns }) => {
    const lines = vms.flatMap((vm) => [
      `${vm.vm}: ${vm.from ?? 'off'} → ${vm.to ?? 'no node'}`,
      ...wrap(vm.because, columns - 4).map((line) => `    ${line}`),
    ]);
    const end =
      homeless.length === 0
        ? `${vms.length} VMs, all have a node`
        : `${vms.length} VMs, ${homeless.length} have no node (${lackingMiB} MiB)`;
    return [...lines, end].join('\n');
  });
  return homeless.length === 0 ? exitCodes.done : exitCodes.failed;
}
