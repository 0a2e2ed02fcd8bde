import type { CloneVm } from '../../api/schema/requests.ts';
import type { VmView } from '../../api/schema/views.ts';
import type { Change } from '../change-options.ts';
import { runChange } from '../change.ts';
import type { Call } from '../command.ts';
import { usageError } from '../usage.ts';
import { describeVm, vmReaches } from '../vm-goals.ts';

interface Names {
  readonly vm: string;
  readonly name: string;
}

export async function renameVm(
  call: Call,
  { vm, name }: Names,
  options: Change & { readonly request: string | null },
): Promise<number> {
  const request = options.request ?? (await call.world.env()).random.uuid();
  return runChange(call, options, {
    question: null,
    apply: (client, how) => client.renameVm(vm, { to: name, request }, how),
    describe: (_, isDryRun) => `vm ${vm}: ${isDryRun ? 'would be' : 'is'} ${name}`,
    goal: null,
  });
}

export async function cloneVm(
  call: Call,
  { vm, name }: Names,
  options: Change & {
    readonly disk: readonly string[];
    readonly start: boolean;
    readonly node: string | null;
    readonly request: string | null;
  },
): Promise<number> {
  const request = options.request ?? (await call.world.env()).random.uuid();
  const disks = options.disk.map(readSource);
  const desired = options.start ? 'running' : 'stopped';
  return runChange(call, options, {
    question: null,
    apply: (client, how) =>
      client.cloneVm(vm, { name, disks, desired, node: options.node, request }, how),
    describe: (view, isDryRun) =>
      `vm ${view.name}: ${isDryRun ? 'would be made' : 'is made'} like ${vm} (${describeVm(view)})`,
    goal: vmReaches<VmView>(name, [desired]),
  });
}

type Source = CloneVm['disks'][number];

/** As `kennel vm show` writes where a disk lies. */
export function readSource(given: string): Source {
  const nbd = /^nbd:\/\/(.+):(\d{1,5})\/(.*)$/.exec(given);
  if (nbd !== null) {
    return { kind: 'nbd', host: nbd[1] ?? '', port: Number(nbd[2]), export: nbd[3] ?? '' };
  }
  const rbd = /^rbd:([^/]+)\/(.+)$/.exec(given);
  if (rbd !== null) return { kind: 'rbd', pool: rbd[1] ?? '', image: rbd[2] ?? '' };
  const iscsi = /^iscsi:\/\/([^/]+)\/(.+)\/(\d{1,9})$/.exec(given);
  if (iscsi !== null) {
    return { kind: 'iscsi', portal: iscsi[1] ?? '', target: iscsi[2] ?? '', lun: Number(iscsi[3]) };
  }
  const shared = /^shared:(\/.+)$/.exec(given);
  if (shared !== null) return { kind: 'sharedFile', path: shared[1] ?? '' };
  throw usageError({
    what: '--disk has no usable value',
    because: `"${given}" says not where a disk lies`,
    try: ['nbd://HOST:PORT/EXPORT', 'rbd:POOL/IMAGE', 'iscsi://PORTAL/TARGET/LUN', 'shared:/PATH'],
  });
}
