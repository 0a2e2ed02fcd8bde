import type { VmEditedView, VmView } from '../../api/schema/views.ts';
import { confirm, valueOf, withClient } from '../action.ts';
import type { Change } from '../change-options.ts';
import type { Call } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { isForPeople, print } from '../output.ts';
import { parseVmFile } from '../vm-file/parse-vm-file.ts';
import { specProblemLines } from '../vm-file/spec-problem.ts';
import { onValue, waitUntil } from '../wait-until.ts';
import { invalidFile, readVmFile } from './vm-create.ts';

/**
 * Shows what of an edit holds at once and what after the next stop, asks, and only then makes it. A change
 * that somebody else made between the two is a conflict, not overwritten.
 */
export async function editVm(
  call: Call,
  name: string,
  options: Change & { readonly file: string; readonly sharedPath: readonly string[] },
): Promise<number> {
  const fileName = options.file === '-' ? 'standard input' : options.file;
  const text = await readVmFile(call, options.file);
  const parsed = await parseVmFile(text, { sharedPaths: options.sharedPath });
  if (parsed.kind === 'invalid') throw invalidFile(specProblemLines(fileName, parsed.problems));
  const [wanted, ...others] = parsed.value;
  if (wanted === undefined || others.length > 0) {
    throw invalidFile([`${fileName} describes ${parsed.value.length} VMs, and one is edited`]);
  }
  const { spec } = wanted.body;
  return withClient(call, async (client) => {
    const vm = valueOf(await client.vm(name));
    const body = { spec, before: vm.staged ?? vm.spec };
    const { reason } = options;
    const preview = valueOf(await client.editVm(name, body, { dryRun: true, reason }));
    if (options.dryRun || isUnchanged(preview)) {
      await print(call, preview, () => describe(preview, 'would take effect').join('\n'));
      return exitCodes.done;
    }
    if (isForPeople(call)) {
      call.world.terminal.write(`${describe(preview, 'takes effect').join('\n')}\n`);
    }
    const question = `VM ${name} is given this spec.`;
    if (!(await confirm(call, { question, typed: null, yes: options.yes }))) {
      return exitCodes.failed;
    }
    const edited = valueOf(await client.editVm(name, body, { dryRun: false, reason }));
    await print(call, edited, () => `vm ${name}: edited`);
    if (options.wait) await waitForEffect(call, name, options, () => client.vm(name));
    return exitCodes.done;
  });
}

const isUnchanged = ({ now, nextStart }: VmEditedView): boolean =>
  now.length + nextStart.length === 0;

function describe(edit: VmEditedView, verb: string): readonly string[] {
  if (isUnchanged(edit)) return [`vm ${edit.vm.name}: nothing differs`];
  const { now, nextStart, vm } = edit;
  return [
    ...(now.length === 0 ? [] : [`${verb} now: ${now.join(', ')}`]),
    ...(nextStart.length === 0
      ? []
      : [`${verb} after the next stop or kennel vm restart ${vm.name}: ${nextStart.join(', ')}`]),
  ];
}

/** Until nothing of it waits any more. */
async function waitForEffect(
  call: Call,
  name: string,
  options: Change,
  look: () => ReturnType<Parameters<typeof waitUntil<VmView, VmView>>[1]['look']>,
): Promise<void> {
  const outcome = await waitUntil<VmView, VmView>(await call.world.env(), {
    what: `effect of the edit of VM ${name}`,
    lookWith: `kennel vm show ${name}`,
    timeoutMs: options.timeout,
    look,
    judge: onValue((vm: VmView) =>
      vm.staged === null
        ? { kind: 'reached', value: vm }
        : { kind: 'pending', state: `it waits for kennel vm restart ${name}` },
    ),
  });
  valueOf(outcome);
}
