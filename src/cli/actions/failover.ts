import { valueOf, withClient } from '../action.ts';
import type { Call } from '../command.ts';
import { print } from '../output.ts';
import { formatFailover, renderFailoverTable } from '../render/failover.ts';

export async function listFailovers(call: Call): Promise<number> {
  return withClient(call, async (client) => {
    const views = valueOf(await client.failovers());
    const newestFirst = [...views].sort((a, b) => (a.detectedAt < b.detectedAt ? 1 : -1));
    await print(call, views, (layout) => renderFailoverTable(newestFirst, layout));
    return 0;
  });
}

export async function showFailover(call: Call, id: string): Promise<number> {
  return withClient(call, async (client) => {
    const view = valueOf(await client.failover(id));
    await print(call, view, (layout) => formatFailover(view, layout));
    return 0;
  });
}
