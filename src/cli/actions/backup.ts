import { resolve } from 'node:path';
import { confirm, valueOf, withClient } from '../action.ts';
import type { Call } from '../command.ts';
import { DiskError } from '../../env/disk.ts';
import { problem } from '../../core/problem.ts';
import { storeOf, type EtcdOptions } from '../etcd-options.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import type { StoreChoice } from '../start-functions.ts';

export async function makeBackup(
  call: Call,
  file: string,
  options: { readonly directory: string | null },
): Promise<number> {
  const { workingDirectory } = call.world;
  const path = resolve(workingDirectory, file);
  const text =
    options.directory === null
      ? await withClient(call, async (client) => valueOf(await client.backup()))
      : valueOf(
          await (
            await call.world.start()
          ).backupStore({ directory: resolve(workingDirectory, options.directory) }),
        );
  const header = valueOf(await (await call.world.start()).checkBackup({ text }));
  const { disk } = await call.world.env();
  await onDisk(path, () => disk.replace(path, new TextEncoder().encode(text), { mode: 0o600 }));
  await print(call, { file: path, ...header }, () =>
    [
      `${path}: cluster ${header.clusterName}, ${header.keys} keys, as of ${header.madeAt}`,
      `content ${header.contentHash}`,
    ].join('\n'),
  );
  return exitCodes.done;
}

export async function restoreBackup(
  call: Call,
  file: string,
  options: { readonly directory: string; readonly yes: boolean },
): Promise<number> {
  const { workingDirectory } = call.world;
  const path = resolve(workingDirectory, file);
  const directory = resolve(workingDirectory, options.directory);
  const { disk } = await call.world.env();
  const bytes = await onDisk(path, () => disk.read(path));
  if (bytes === null) return valueOf(unreadable(path, 'there is no such file'));
  const question =
    'All managers are stopped, and nodes that joined after the backup run no VM that it knows.';
  if (!(await confirm(call, { question, typed: null, yes: options.yes }))) return exitCodes.failed;
  const start = await call.world.start();
  const text = new TextDecoder().decode(bytes);
  const done = valueOf(await start.restoreStore({ directory, file: path, text }));
  await print(call, done, () =>
    [
      `${done.keys} keys of ${done.madeAt} restored into ${done.driver}, epochs go on above ${done.epoch}`,
      `content ${done.contentHash}`,
      `nodes that are waited for: ${done.nodes.length === 0 ? 'none' : done.nodes.join(', ')}`,
      '',
      'next:',
      `  kennel manager run --directory ${directory}`,
      '  kennel status   (says which nodes have not been heard yet)',
    ].join('\n'),
  );
  return exitCodes.done;
}

interface MigrateOptions extends EtcdOptions {
  readonly from: StoreChoice['kind'];
  readonly to: StoreChoice['kind'];
  readonly directory: string;
  readonly yes: boolean;
}

export async function migrateStore(call: Call, options: MigrateOptions): Promise<number> {
  const { from, yes } = options;
  const to = storeOf(call, options.to, options);
  const directory = resolve(call.world.workingDirectory, options.directory);
  const question = `The state of the manager in ${directory} moves from ${from} to ${to.kind}.`;
  if (!(await confirm(call, { question, typed: null, yes }))) return exitCodes.failed;
  const start = await call.world.start();
  const moved = valueOf(await start.migrateStore({ directory, from, to }));
  await print(call, moved, () =>
    [
      ...[moved.from, moved.to].map(
        (side) => `${side.driver.padEnd(4)}  ${side.keys} keys  ${side.contentHash}`,
      ),
      `the manager uses ${moved.to.driver} from now on; epochs go on above ${moved.epoch}`,
      moved.old === null
        ? 'the keys in etcd stay; nobody leads on them any more'
        : `${moved.old} may be removed; nobody leads on it any more`,
      '',
      'next:',
      `  kennel manager run --directory ${directory}`,
    ].join('\n'),
  );
  return exitCodes.done;
}

async function onDisk<T>(path: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return valueOf(unreadable(path, `${error.code}: ${error.message}`));
  }
}

const unreadable = (path: string, because: string) =>
  problem({
    code: 'E_DATA_DIRECTORY',
    what: `${path} cannot be used`,
    because,
    so: 'nothing was done',
    try: ['name another file'],
  });
