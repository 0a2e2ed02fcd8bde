import { siteSnapshotSchema, type SiteSnapshotView } from '../../api/schema/placement.ts';
import { nodeId, vmId } from '../../core/model/ids.ts';
import type { SiteSnapshot } from '../../core/placement/snapshot.ts';
import { KennelError } from '../../errors/kennel-error.ts';
import { valueOf, withClient } from '../action.ts';
import type { Call } from '../command.ts';
import { usageError } from '../usage.ts';
import { parseHtools, snapshotOfHtools } from './htools-text.ts';

/** The site that plans are made for: a dump, a file of htools, or (null) the cluster as it is. */
export async function readSite(call: Call, file: string | null): Promise<SiteSnapshot> {
  if (file === null) {
    return withClient(call, async (client) => snapshotOfView(valueOf(await client.placement())));
  }
  const bytes = await (await call.world.env()).disk.read(file);
  if (bytes === null) {
    throw new KennelError({
      code: 'E_NOT_FOUND',
      what: `${file} cannot be read`,
      because: 'there is no such file',
      so: 'nothing was planned',
      try: [`kennel plan export > ${file}`],
    });
  }
  const text = new TextDecoder().decode(bytes);
  if (!text.trimStart().startsWith('{')) return snapshotOfHtools(parseHtools(text));
  const parsed = siteSnapshotSchema.safeParse(jsonOf(text, file));
  if (parsed.success) return snapshotOfView(parsed.data);
  const [issue] = parsed.error.issues;
  throw usageError({
    what: `${file} is no dump of a site`,
    because: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    try: ['kennel plan export'],
  });
}

function jsonOf(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw usageError({
      what: `${file} is no dump of a site`,
      because: error instanceof Error ? error.message : String(error),
      try: ['kennel plan export'],
    });
  }
}

/** The API's form as the core has it. */
export function snapshotOfView(view: SiteSnapshotView): SiteSnapshot {
  return {
    nodes: view.nodes.map((node) => ({ ...node, id: nodeId(node.id) })),
    vms: view.vms.map((vm) => ({
      ...vm,
      id: vmId(vm.id),
      spec: { ...vm.spec, nodes: vm.spec.nodes.map(nodeId) },
      node: vm.node === null ? null : nodeId(vm.node),
      home: vm.home === null ? null : nodeId(vm.home),
      tries: { ...vm.tries, nodes: vm.tries.nodes.map(nodeId) },
    })),
    rules: view.rules,
    vcpuOvercommit: view.vcpuOvercommit,
    policy: view.policy,
  };
}
