import { resolve } from 'node:path';
import { valueOf, withClient } from '../action.ts';
import type { Call } from '../command.ts';

export async function runOperator(
  call: Call,
  options: {
    readonly kubeconfig: string | null;
    readonly leaseNamespace: string;
    readonly withoutLease: boolean;
    readonly placeholderImage: string | null;
  },
): Promise<number> {
  const { kubeconfig, leaseNamespace: namespace, withoutLease, placeholderImage: image } = options;
  const { world } = call;
  await withClient(call, async (client) =>
    valueOf(
      await (
        await world.start()
      ).runOperator({
        client,
        kubeconfig: kubeconfig === null ? null : resolve(world.workingDirectory, kubeconfig),
        leaseNamespace: withoutLease ? null : namespace,
        placeholders: image === null ? null : { namespace, image },
      }),
    ),
  );
  return 0;
}
