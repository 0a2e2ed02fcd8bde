import { resolve } from 'node:path';
import type { VmView } from '../../api/schema/views.ts';
import { KennelError } from '../../errors/kennel-error.ts';
import { valueOf, withClient } from '../action.ts';
import type { Change } from '../change-options.ts';
import type { Client } from '../../client/client.ts';
import type { Call } from '../command.ts';
import { isForPeople, print } from '../output.ts';
import { parseVmFile } from '../vm-file/parse-vm-file.ts';
import type { VmToCreate } from '../vm-file/parse-vm-file.ts';
import { specProblemLines } from '../vm-file/spec-problem.ts';
import { vmReaches } from '../vm-goals.ts';
import { waitUntil } from '../wait-until.ts';

const maxFileBytes = 4 * 1024 * 1024;

/**
 * Creates the VMs of a file, those that others wait for first. The file is checked as a whole first; when the cluster
 * refuses one of them, those before it exist and are printed, those after it are not created.
 */
export async function createVms(
  call: Call,
  options: Change & {
    readonly file: string;
    readonly sharedPath: readonly string[];
    readonly node: string | null;
  },
): Promise<number> {
  const { terminal } = call.world;
  const fileName = options.file === '-' ? 'standard input' : options.file;
  const text = await readVmFile(call, options.file);
  const parsed = await parseVmFile(text, { sharedPaths: options.sharedPath });
  if (parsed.kind === 'invalid') throw invalidFile(specProblemLines(fileName, parsed.problems));
  const vms = parsed.value;
  for (const note of vms.flatMap((vm) => vm.notes)) terminal.writeError(`note: ${note}\n`);
  return withClient(call, async (client) => {
    const created: VmView[] = [];
    try {
      for (const vm of vms) {
        const body = { ...vm.body, node: options.node };
        const how = { dryRun: options.dryRun, reason: options.reason };
        created.push(valueOf(await client.createVm(body, how)));
      }
    } finally {
      if (created.length > 0) await printCreated(call, created, vms.length, options.dryRun);
    }
    if (options.wait && !options.dryRun) await waitForAll(call, client, { vms, options });
    return 0;
  });
}

/** One VM is printed as itself, several as a list. */
async function printCreated(
  call: Call,
  created: readonly VmView[],
  planned: number,
  isDryRun: boolean,
): Promise<void> {
  const verb = isDryRun ? 'would be created' : 'created';
  await print(call, planned === 1 ? created[0] : created, () =>
    created.map((vm) => `vm ${vm.name}: ${verb} (${vm.id}, ${vm.state})`).join('\n'),
  );
}

async function waitForAll(
  call: Call,
  client: Client,
  waiting: { readonly vms: readonly VmToCreate[]; readonly options: Change },
): Promise<void> {
  const env = await call.world.env();
  const deadlineMs = env.clock.monotonicMs() + waiting.options.timeout;
  for (const { body } of waiting.vms) {
    if (body.desired === 'ignored') continue;
    const wanted = body.desired === 'running' ? 'running' : 'stopped';
    const goal = vmReaches<null>(body.spec.name, [wanted]);
    const outcome = await waitUntil(env, {
      what: goal.what,
      lookWith: goal.lookWith,
      timeoutMs: waiting.options.timeout,
      deadlineMs,
      look: () => goal.look(client, null),
      judge: (view) => goal.judge(view, null),
    });
    valueOf(outcome);
    if (isForPeople(call)) call.world.terminal.write(`${goal.reached}\n`);
  }
}

export async function readVmFile(call: Call, file: string): Promise<string> {
  if (file === '-') return call.world.terminal.readInput(maxFileBytes);
  const path = resolve(call.world.workingDirectory, file);
  const { disk } = await call.world.env();
  const bytes = await disk.read(path).catch((cause: unknown) => {
    throw unreadable(path, cause instanceof Error ? cause.message : String(cause));
  });
  if (bytes === null) throw unreadable(path, 'there is no such file');
  if (bytes.length > maxFileBytes) throw unreadable(path, 'it is longer than 4MiB');
  return new TextDecoder().decode(bytes);
}

function unreadable(path: string, because: string): KennelError {
  return new KennelError({
    code: 'E_DATA_DIRECTORY',
    what: `${path} cannot be read`,
    because,
    so: 'nothing was created',
    try: [`ls -l ${path}`],
  });
}

export function invalidFile(lines: readonly string[]): KennelError {
  const count = lines.length === 1 ? 'one thing is' : `${lines.length} things are`;
  return new KennelError({
    code: 'E_SPEC_INVALID',
    what: `${count} wrong in the file`,
    because: lines.join('\n           '),
    so: 'nothing was created',
    try: ['docs/vm-spec.md describes every field'],
  });
}
