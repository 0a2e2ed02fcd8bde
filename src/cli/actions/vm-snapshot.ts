import type { VmView } from '../../api/schema/views.ts';
import type { SnapshotWish } from '../../core/model/vm-snapshot.ts';
import { KennelError } from '../../errors/kennel-error.ts';
import { valueOf, withClient } from '../action.ts';
import type { Change } from '../change-options.ts';
import { runChange } from '../change.ts';
import type { Call } from '../command.ts';
import { print } from '../output.ts';
import { renderSnapshot, renderSnapshots } from '../render/vm-snapshot.ts';
import { usageError } from '../usage.ts';
import { describeVm } from '../vm-goals.ts';
import { whenAnswered } from '../vm-answered.ts';

interface SnapshotOptions extends Change {
  readonly note: string | null;
  readonly request: string | null;
}

const wishTexts: Readonly<
  Record<SnapshotWish, { readonly asked: string; readonly reached: string }>
> = {
  create: { asked: 'is made', reached: 'is made' },
  revert: { asked: 'is gone back to', reached: 'is what it runs on from' },
  delete: { asked: 'is deleted', reached: 'is gone' },
};

export async function snapshotVm(
  call: Call,
  { verb, vm, name }: { readonly verb: string; readonly vm: string; readonly name: string | null },
  options: SnapshotOptions,
): Promise<number> {
  if (verb === 'ls' && name === null) return list(call, vm);
  if (verb === 'show' && name !== null) return show(call, vm, name);
  if (name !== null && (verb === 'create' || verb === 'revert' || verb === 'delete')) {
    return change(call, { wish: verb, vm, name }, options);
  }
  throw usageError({
    what: `snapshot ${[verb, vm, name ?? ''].join(' ').trim()} is no command`,
    because: 'it is create, show, revert or delete with a VM and a snapshot, or ls with a VM',
    try: ['kennel vm snapshot create VM NAME', 'kennel vm snapshot ls VM'],
  });
}

async function change(
  call: Call,
  { wish, vm, name }: { readonly wish: SnapshotWish; readonly vm: string; readonly name: string },
  options: SnapshotOptions,
): Promise<number> {
  const request = options.request ?? (await call.world.env()).random.uuid();
  const body = { wish, snapshot: name, note: options.note, request };
  const { asked, reached } = wishTexts[wish];
  const isLost = wish === 'revert';
  return runChange(call, options, {
    question: isLost
      ? {
          question: `VM ${vm} loses all that it wrote, and its memory, since snapshot ${name}.`,
          typed: null,
        }
      : null,
    apply: (client, how) => client.snapshotVm(vm, body, how),
    describe: (view, isDryRun) =>
      `vm ${view.name}: snapshot ${name} ${isDryRun ? `would be: ${wish}` : `${asked} at ${view.node ?? 'its node'}`} (${describeVm(view)})`,
    goal: whenAnswered(vm, request, {
      reached: `vm ${vm}: snapshot ${name} ${reached}`,
      again: `kennel vm snapshot ${wish} ${vm} ${name}`,
    }),
  });
}

async function list(call: Call, name: string): Promise<number> {
  return withClient(call, async (client) => {
    const vm = valueOf(await client.vm(name));
    await print(call, snapshotsOf(vm), (layout) => renderSnapshots(vm, layout));
    return 0;
  });
}

async function show(call: Call, name: string, snapshot: string): Promise<number> {
  return withClient(call, async (client) => {
    const vm = valueOf(await client.vm(name));
    const found = snapshotsOf(vm).find((one) => one.name === snapshot);
    if (found === undefined) throw noSnapshot(vm, snapshot);
    await print(call, found, (layout) => renderSnapshot(vm, found, layout));
    return 0;
  });
}

const snapshotsOf = (vm: VmView): NonNullable<VmView['snapshots']> => vm.snapshots ?? [];

function noSnapshot(vm: VmView, snapshot: string): KennelError {
  const names = snapshotsOf(vm).map(({ name }) => name);
  return new KennelError({
    code: 'E_NOT_FOUND',
    what: `VM ${vm.name} has no snapshot ${snapshot}`,
    because: names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`,
    so: 'nothing is shown',
    try: [`kennel vm snapshot ls ${vm.name}`],
  });
}
