import { valueOf, withClient } from '../action.ts';
import type { Call } from '../command.ts';
import { print } from '../output.ts';
import { renderWhy } from '../render/why.ts';

export async function whyVm(call: Call, name: string): Promise<number> {
  return withClient(call, async (client) => {
    const why = valueOf(await client.whyVm(name));
    await print(call, why, (layout) => renderWhy(why, layout));
    return 0;
  });
}
