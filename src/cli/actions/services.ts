import { resolve } from 'node:path';
import { confirm, valueOf } from '../action.ts';
import type { Call } from '../command.ts';
import { parseHostPort } from '../../api/schema/host-port.ts';
import { exitCodes } from '../exit-codes.ts';
import { checkName } from '../name.ts';
import { print } from '../output.ts';
import { readSecret } from '../secret-input.ts';
import { usageError } from '../usage.ts';

interface JoinOptions {
  readonly tokenFile: string | null;
  readonly tokenStdin: boolean;
  readonly manager: string;
  readonly node: string;
  readonly address: string;
  readonly directory: string;
  readonly libvirtSocket: string | null;
  readonly migrateOver: 'tls' | 'tcp';
  readonly watchdogSocket: string | null;
  readonly bootIdFile: string | null;
  readonly machineIdFile: string | null;
}

export async function runManager(
  call: Call,
  options: { readonly directory: string },
): Promise<number> {
  const directory = resolve(call.world.workingDirectory, options.directory);
  valueOf(await (await call.world.start()).runManager({ directory }));
  return 0;
}

export async function runAgent(
  call: Call,
  options: { readonly directory: string },
): Promise<number> {
  const directory = resolve(call.world.workingDirectory, options.directory);
  valueOf(await (await call.world.start()).runAgent({ directory }));
  return 0;
}

function managerAddress(given: string): { readonly host: string; readonly port: number } {
  const parsed = parseHostPort(given);
  if (parsed.kind === 'ok') return { host: parsed.host, port: parsed.port };
  throw usageError({
    what: '--manager has no usable value',
    because: parsed.because,
    try: ['--manager 10.0.0.10:7400'],
  });
}

interface JoinManager {
  readonly tokenFile: string | null;
  readonly tokenStdin: boolean;
  readonly manager: string;
  readonly name: string;
  readonly address: string;
  readonly apiPort: number;
  readonly sessionPort: number;
  readonly directory: string;
}

export async function joinManager(call: Call, options: JoinManager): Promise<number> {
  const { name, address, apiPort, sessionPort, tokenFile, tokenStdin } = options;
  const manager = managerAddress(options.manager);
  checkName('manager', name);
  const directory = resolve(call.world.workingDirectory, options.directory);
  const token = await readSecret(call.world, { noun: 'token', file: tokenFile, stdin: tokenStdin });
  const start = await call.world.start();
  const joined = valueOf(
    await start.joinManager({ directory, token, manager, name, address, apiPort, sessionPort }),
  );
  await print(call, joined, () =>
    [
      `${name} joined cluster ${joined.clusterId} as manager number ${joined.number}, data in ${directory}`,
      '',
      'next:',
      `  kennel manager run --directory ${directory}`,
      `  addresses: [${joined.managers.join(', ')}]   (in the configurations of clients)`,
    ].join('\n'),
  );
  return 0;
}

/** The damaged data is set aside before anything is asked for twice: the old number never runs again. */
export async function rebuildManager(
  call: Call,
  options: { readonly manager: string; readonly directory: string; readonly yes: boolean },
): Promise<number> {
  const manager = managerAddress(options.manager);
  const directory = resolve(call.world.workingDirectory, options.directory);
  const question = `The store in ${directory} is set aside, and copied anew from the other managers.`;
  if (!(await confirm(call, { question, typed: null, yes: options.yes }))) return exitCodes.failed;
  const start = await call.world.start();
  const done = valueOf(await start.rebuildManager({ directory, manager }));
  await print(call, done, () =>
    [
      `${done.name} begins again as number ${done.number} (it was ${done.was}), and gets its state from the others`,
      done.setAside === null
        ? 'there was no data to set aside'
        : `${done.setAside} holds the old data; it may be removed once the manager votes again`,
      '',
      'next:',
      `  kennel manager run --directory ${directory}`,
      '  kennel manager ls   (a learner until it has caught up)',
    ].join('\n'),
  );
  return exitCodes.done;
}

export async function joinAgent(call: Call, options: JoinOptions): Promise<number> {
  const manager = managerAddress(options.manager);
  checkName('node', options.node);
  const absolute = (path: string | null): string | null =>
    path === null ? null : resolve(call.world.workingDirectory, path);
  const directory = resolve(call.world.workingDirectory, options.directory);
  const token = await readSecret(call.world, {
    noun: 'token',
    file: options.tokenFile,
    stdin: options.tokenStdin,
  });
  const start = await call.world.start();
  const joined = valueOf(
    await start.joinAgent({
      token,
      manager,
      node: options.node,
      address: options.address,
      directory,
      libvirtSocket: absolute(options.libvirtSocket),
      migrateOver: options.migrateOver,
      watchdogSocket: absolute(options.watchdogSocket),
      bootIdFile: absolute(options.bootIdFile),
      machineIdFile: absolute(options.machineIdFile),
    }),
  );
  await print(call, joined, () =>
    [
      `node ${options.node} joined cluster ${joined.clusterId}, data in ${directory}`,
      '',
      'next:',
      `  kennel agent run --directory ${directory}`,
      `  kennel fence add ${options.node}/bmc …   (until then its VMs are not protected)`,
    ].join('\n'),
  );
  return 0;
}
