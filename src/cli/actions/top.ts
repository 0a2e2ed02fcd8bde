import type { StatusView } from '../../api/schema/views.ts';
import type { Client } from '../../client/client.ts';
import { ok, type Outcome } from '../../core/problem.ts';
import { valueOf, withClient } from '../action.ts';
import type { Call } from '../command.ts';
import { print } from '../output.ts';
import { renderTop } from '../render/top.ts';
import { watchScreen } from '../watch.ts';

/** What VMs use, and what there is. Null = nothing of it is measured. */
export interface Top {
  readonly nodes: readonly NodeUse[];
  readonly vms: readonly VmUse[];
}

export interface NodeUse {
  readonly name: string;
  readonly state: string;
  readonly vms: number;
  readonly cpus: Share;
  readonly memoryMiB: Share;
}

interface Share {
  readonly used: number | null;
  readonly booked: number;
  readonly has: number;
}

export interface VmUse {
  readonly name: string;
  readonly node: string;
  readonly cpus: { readonly used: number | null; readonly has: number };
  readonly memoryMiB: { readonly used: number | null; readonly has: number };
}

export async function showTop(
  call: Call,
  options: {
    readonly by: 'cpu' | 'memory';
    readonly watch: boolean;
    readonly interval: number;
  },
): Promise<number> {
  const look = async (client: Client): Promise<Outcome<Top>> => {
    const status = await client.status();
    return status.kind === 'problem' ? status : ok(topOf(status.value, options.by));
  };
  if (options.watch) {
    return watchScreen(call, { intervalMs: options.interval, look, render: renderTop });
  }
  return withClient(call, async (client) => {
    const top = valueOf(await look(client));
    await print(call, top, (layout) => renderTop(top, layout));
    return 0;
  });
}

/** Only VMs that are on a node use anything; who uses most comes first. */
export function topOf({ nodes, vms }: StatusView, by: 'cpu' | 'memory'): Top {
  const placed = vms.flatMap((vm): VmUse[] => {
    const { name, node, usage, vcpus, memoryMiB } = vm;
    if (node === null) return [];
    return [
      {
        name,
        node,
        cpus: { used: usage?.cpus ?? null, has: vcpus },
        memoryMiB: { used: usage?.memoryMiB ?? null, has: memoryMiB },
      },
    ];
  });
  const of = (vm: VmUse): number => (by === 'cpu' ? vm.cpus.used : vm.memoryMiB.used) ?? -1;
  return {
    nodes: nodes.map(({ name, state, used, capacity }) => {
      const here = placed.filter((vm) => vm.node === name);
      return {
        name,
        state,
        vms: here.length,
        cpus: {
          used: sum(here.map((vm) => vm.cpus.used)),
          booked: used.vcpus,
          has: capacity.vcpus,
        },
        memoryMiB: {
          used: sum(here.map((vm) => vm.memoryMiB.used)),
          booked: used.memoryMiB,
          has: capacity.memoryMiB,
        },
      };
    }),
    vms: placed.sort((a, b) => of(b) - of(a) || a.name.localeCompare(b.name)),
  };
}

function sum(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  if (known.length === 0 && values.length > 0) return null;
  return Math.round(known.reduce((total, value) => total + value, 0) * 100) / 100;
}
