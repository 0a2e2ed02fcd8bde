import type { NodeView, VmView } from '../../api/schema/views.ts';
import { problem, ok, type Outcome } from '../../core/problem.ts';
import type { Client } from '../../client/client.ts';
import { valueOf, withClient } from '../action.ts';
import type { Call } from '../command.ts';
import { print } from '../output.ts';
import type { Layout } from '../render/layout.ts';
import { renderVmTable } from '../render/vm.ts';
import { watchScreen } from '../watch.ts';

/** Of one kind any may hold, of all kinds that are given one must; empty = not asked for. */
interface VmFilter {
  readonly node: readonly string[];
  readonly nodeLabel: readonly string[];
  readonly state: readonly VmView['state'][];
  readonly desired: readonly VmView['desired'][];
  readonly priority: readonly VmView['priority'][];
  /** With `*` for anything. */
  readonly name: readonly string[];
  readonly unprotected: boolean;
}

interface Listed {
  readonly all: number;
  readonly vms: readonly VmView[];
}

export async function listVms(
  call: Call,
  options: VmFilter & { readonly watch: boolean; readonly interval: number },
): Promise<number> {
  const look = async (client: Client): Promise<Outcome<Listed>> => {
    const vms = await client.vms();
    if (vms.kind === 'problem') return vms;
    const needsNodes = options.node.length > 0 || options.nodeLabel.length > 0;
    const nodes = needsNodes ? await client.nodes() : ok([]);
    return nodes.kind === 'problem' ? nodes : chosen(vms.value, nodes.value, options);
  };
  if (options.watch) {
    return watchScreen(call, { intervalMs: options.interval, look, render: renderListed });
  }
  return withClient(call, async (client) => {
    const listed = valueOf(await look(client));
    await print(call, listed.vms, (layout) => renderListed(listed, layout));
    return 0;
  });
}

function renderListed({ all, vms }: Listed, layout: Layout): string {
  if (all === 0) return 'no VMs yet: kennel vm create -f FILE';
  if (vms.length === 0) return `none of ${all} VMs is like that`;
  return renderVmTable(vms, layout).join('\n');
}

/** The VMs that the filter leaves. A node that is not there is a mistake, not an empty list. */
function chosen(
  all: readonly VmView[],
  known: readonly NodeView[],
  filter: VmFilter,
): Outcome<Listed> {
  const nodes = new Map(known.map((node) => [node.name, node]));
  const unknown = filter.node.find((name) => name !== 'none' && !nodes.has(name));
  if (unknown !== undefined) {
    return problem({
      code: 'E_NOT_FOUND',
      what: `there is no node ${unknown}`,
      because: `the cluster has ${[...nodes.keys()].join(', ') || 'none'}`,
      so: 'nothing is listed',
      try: ['kennel node ls'],
    });
  }
  const names = filter.name.map(patternOf);
  const any = <T>(given: readonly T[], holds: (one: T) => boolean): boolean =>
    given.length === 0 || given.some(holds);
  const vms = all.filter((vm) => {
    const node = vm.node === null ? undefined : nodes.get(vm.node);
    return (
      any(filter.node, (name) => name === (vm.node ?? 'none')) &&
      any(filter.nodeLabel, (label) => node !== undefined && hasLabel(node, label)) &&
      any(filter.state, (state) => state === vm.state) &&
      any(filter.desired, (desired) => desired === vm.desired) &&
      any(filter.priority, (priority) => priority === vm.priority) &&
      any(names, (name) => name.test(vm.name)) &&
      (!filter.unprotected || !vm.isProtected)
    );
  });
  return ok({ all: all.length, vms });
}

function hasLabel({ labels }: NodeView, wanted: string): boolean {
  const [name = '', value] = wanted.split(/=(.*)/s);
  return value === undefined ? labels[name] !== undefined : labels[name] === value;
}

function patternOf(text: string): RegExp {
  const parts = text.split('*').map((part) => part.replaceAll(/[\\^$.+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
