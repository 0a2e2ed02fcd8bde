import { valueOf, withClient } from '../action.ts';
import type { Change } from '../change-options.ts';
import type { Call } from '../command.ts';
import { findClientConfig } from '../client-config.ts';
import { isForPeople, print } from '../output.ts';
import { checkName } from '../name.ts';

/** Nothing happens after the token exists, so `--wait` has nothing to add. */
export async function makeToken(
  call: Call,
  options: Change & { readonly node: string | null; readonly ttl: number },
): Promise<number> {
  if (options.node !== null) checkName('node', options.node);
  return withClient(call, async (client) => {
    const body = { node: options.node, ttlMs: options.ttl };
    const made = valueOf(
      await client.createToken(body, { dryRun: options.dryRun, reason: options.reason }),
    );
    await print(call, made, () =>
      options.dryRun ? `would make a token good until ${made.expiresAt}` : made.token,
    );
    if (isForPeople(call) && !options.dryRun) {
      call.world.terminal.writeError(await nextStep(call, made, options.node));
    }
    return 0;
  });
}

async function nextStep(
  call: Call,
  made: { readonly expiresAt: string },
  node: string | null,
): Promise<string> {
  const { config } = valueOf(await findClientConfig(call.world, call.globals.configFile));
  const manager = 'addresses' in config ? config.addresses[0] : 'MANAGER:7400';
  return [
    `good for one join until ${made.expiresAt}; on the new node:`,
    `  kennel agent join --manager ${manager} --node ${node ?? 'NAME'} --address ADDRESS --token-stdin`,
    'and paste the token, then end the input (Ctrl-D)',
    '',
  ].join('\n');
}
