import { valueOf, withClient } from '../action.ts';
import type { Call } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import { renderManagers } from '../render/manager.ts';

/** Exit code: 0 all answer, 1 one does not or none leads, 2 no quorum. */
export async function listManagers(call: Call): Promise<number> {
  return withClient(call, async (client) => {
    const view = valueOf(await client.managers());
    await print(call, view, (layout) => renderManagers(view, layout));
    if (!view.store.hasQuorum) return exitCodes.unreachable;
    const isWell = view.leader !== null && view.managers.every((manager) => manager.healthy);
    return isWell ? exitCodes.done : exitCodes.failed;
  });
}
