import { valueOf, withClient } from '../action.ts';
import type { Call } from '../command.ts';
import { print } from '../output.ts';
import { renderNode, renderNodeTable } from '../render/node.ts';

export async function listNodes(call: Call): Promise<number> {
  return withClient(call, async (client) => {
    const nodes = valueOf(await client.nodes());
    await print(call, nodes, (layout) =>
      nodes.length === 0
        ? 'no nodes yet: kennel node token'
        : renderNodeTable(nodes, layout).join('\n'),
    );
    return 0;
  });
}

export async function showNode(call: Call, name: string): Promise<number> {
  return withClient(call, async (client) => {
    const node = valueOf(await client.node(name));
    await print(call, node, (layout) => renderNode(node, layout));
    return 0;
  });
}
