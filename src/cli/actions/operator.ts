import { resolve } from 'node:path';
import { valueOf, withClient } from '../action.ts';
import type { Call } from '../command.ts';

export async function runOperator(
  call: Call,
  options: {
    readonly kubeconfig: string | null;
    readonly leaseNamespace: string;
    readonly withoutLease: boolean;
  },
): Promise<number> {
  const { kubeconfig, leaseNamespace, withoutLease } = options;
  const { world } = call;
  await withClient(call, async (client) =>
    valueOf(
      await (
        await world.start()
      ).runOperator({
        client,
        kubeconfig: kubeconfig === null ? null : resolve(world.workingDirectory, kubeconfig),
        leaseNamespace: withoutLease ? null : leaseNamespace,
      }),
    ),
  );
  return 0;
}
