import type { StatusView } from '../../api/schema/views.ts';
import { valueOf, withClient } from '../action.ts';
import type { Client } from '../../client/client.ts';
import type { Call } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import { renderStatus } from '../render/status.ts';
import { watchScreen } from '../watch.ts';

/** Exit code: 0 healthy, 1 degraded, 2 no quorum; unreachable is thrown and becomes 2 too. */
export async function showStatus(
  call: Call,
  options: { readonly watch: boolean; readonly interval: number },
): Promise<number> {
  if (options.watch) {
    const look = (client: Client) => client.status();
    return watchScreen(call, { intervalMs: options.interval, look, render: renderStatus });
  }
  return withClient(call, async (client) => {
    const view = valueOf(await client.status());
    await print(call, view, (layout) => renderStatus(view, layout));
    return healthCode(view);
  });
}

function healthCode(view: StatusView): number {
  switch (view.health) {
    case 'healthy':
      return exitCodes.done;
    case 'degraded':
      return exitCodes.failed;
    case 'noQuorum':
      return exitCodes.unreachable;
    default:
      return view.health satisfies never;
  }
}
