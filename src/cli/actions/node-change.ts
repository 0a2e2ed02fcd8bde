import type { NodeView } from '../../api/schema/views.ts';
import type { Change } from '../change-options.ts';
import { type Goal, runChange } from '../change.ts';
import type { Call } from '../command.ts';
import { nodeStateText } from '../render/states.ts';
import { onValue, untilGone } from '../wait-until.ts';

export function describeNode(node: NodeView): string {
  return `${node.name} is ${nodeStateText(node)}`;
}

/** What `--wait` waits for where a node is to take VMs again. */
export function online(node: string): Goal<NodeView, NodeView> {
  return {
    what: `node ${node} online`,
    lookWith: `kennel explain ${node}`,
    look: (client) => client.node(node),
    judge: onValue((view: NodeView) =>
      view.state === 'online'
        ? { kind: 'reached', value: view }
        : { kind: 'pending', state: describeNode(view) },
    ),
    reached: `node ${node}: online`,
  };
}

export async function powerOn(call: Call, node: string, options: Change): Promise<number> {
  return runChange(call, options, {
    question: null,
    apply: (client, how) => client.powerOn(node, how),
    describe: (view, isDryRun) =>
      `node ${view.name}: ${isDryRun ? 'would be switched on' : 'is being switched on'} (${describeNode(view)})`,
    goal: online(node),
  });
}

export async function removeNode(call: Call, node: string, options: Change): Promise<number> {
  return runChange(call, options, {
    question: {
      question: `Node ${node} leaves the cluster; its certificate is refused from then on.`,
      typed: null,
    },
    apply: (client, how) => client.removeNode(node, how),
    describe: (view, isDryRun) =>
      `node ${view.name}: ${isDryRun ? 'would be removed' : 'is being removed'}`,
    goal: {
      what: `node ${node} gone`,
      lookWith: `kennel explain ${node}`,
      look: (client) => client.node(node),
      judge: untilGone(describeNode),
      reached: `node ${node}: gone`,
    },
  });
}
