import { valueOf, withClient } from '../action.ts';
import type { Change } from '../change-options.ts';
import { findClientConfig } from '../client-config.ts';
import type { Call } from '../command.ts';
import { isForPeople, print } from '../output.ts';
import { checkName } from '../name.ts';

interface TokenOptions extends Change {
  readonly name: string | null;
  readonly replaces: string | null;
  readonly witness: boolean;
  readonly ttl: number;
}

/** Nothing happens after the token exists, so `--wait` has nothing to add. */
export async function makeManagerToken(call: Call, options: TokenOptions): Promise<number> {
  const { name, replaces, witness, ttl, dryRun } = options;
  if (name !== null) checkName('manager', name);
  return withClient(call, async (client) => {
    const body = { name, replaces, isWitness: witness, ttlMs: ttl };
    const made = valueOf(await client.createManagerToken(body, { dryRun }));
    await print(call, made, () =>
      dryRun ? `would make a token good until ${made.expiresAt}` : made.token,
    );
    if (isForPeople(call) && !dryRun) {
      call.world.terminal.writeError(await nextStep(call, made.expiresAt, name));
    }
    return 0;
  });
}

async function nextStep(call: Call, expiresAt: string, name: string | null): Promise<string> {
  const { config, path } = valueOf(await findClientConfig(call.world, call.globals.configFile));
  const manager = 'addresses' in config ? config.addresses[0] : 'MANAGER:7400';
  return [
    `good for one join until ${expiresAt}; on the new manager:`,
    `  kennel manager join --manager ${manager} --name ${name ?? 'NAME'} --address ADDRESS --token-stdin`,
    'and paste the token, then end the input (Ctrl-D)',
    `afterwards put ADDRESS:7400 into the addresses of ${path}`,
    '',
  ].join('\n');
}
