import { resolve } from 'node:path';
import { nameSchema } from '../../api/schema/primitives.ts';
import { valueOf } from '../action.ts';
import type { Call } from '../command.ts';
import { parseHostPort } from '../host-port.ts';
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

export async function joinAgent(call: Call, options: JoinOptions): Promise<number> {
  const manager = parseHostPort(options.manager);
  if (manager.kind === 'invalid') {
    throw usageError({
      what: '--manager has no usable value',
      because: manager.because,
      try: ['--manager 10.0.0.10:7400'],
    });
  }
  if (!nameSchema.safeParse(options.node).success) {
    throw usageError({
      what: `"${options.node}" cannot be the name of a node`,
      because: 'a name has 1 to 63 lower-case letters, digits and inner dashes',
      try: ['--node node-1'],
    });
  }
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
      manager: { host: manager.host, port: manager.port },
      node: options.node,
      address: options.address,
      directory,
      libvirtSocket: absolute(options.libvirtSocket),
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
      `  kennel node add-fence ${options.node} …   (until then its VMs are not protected)`,
    ].join('\n'),
  );
  return 0;
}
