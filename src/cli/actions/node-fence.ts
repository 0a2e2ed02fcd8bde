import type { FenceView, NodeView } from '../../api/schema/views.ts';
import type { Outcome } from '../../core/problem.ts';
import type { Change } from '../change-options.ts';
import { runChange } from '../change.ts';
import type { Goal } from '../change.ts';
import type { Call } from '../command.ts';
import { nodeStateText } from '../render/states.ts';
import { onValue } from '../wait-until.ts';
import type { Verdict } from '../wait-until.ts';

type WithReason = Omit<Change, 'reason'> & { readonly reason: string };

export async function fenceNode(
  call: Call,
  node: string,
  options: WithReason & { readonly override: boolean },
): Promise<number> {
  const body = { reason: options.reason, override: options.override };
  return runChange(call, options, {
    question: {
      question: `Node ${node} loses power, its VMs stop and are started elsewhere.`,
      typed: null,
    },
    apply: (client, how) => client.fenceNode(node, body, how),
    describe: (fence, isDryRun) =>
      `node ${node}: ${isDryRun ? 'would be fenced' : `is being fenced, ${fence.id} (${fence.phase})`}`,
    goal: provenDead(node),
  });
}

export async function confirmOff(
  call: Call,
  node: string,
  options: WithReason & { readonly fence: string | null },
): Promise<number> {
  const body = { fence: options.fence, reason: options.reason };
  return runChange(call, options, {
    question: {
      question: `If node ${node} still runs, two nodes will write to the disks of its VMs and destroy them. You have seen it switched off?`,
      typed: node,
    },
    apply: (client, how) => client.confirmOff(node, body, how),
    describe: (fence, isDryRun) =>
      `node ${node}: ${isDryRun ? 'the statement would be accepted' : 'the statement is recorded'} for ${fence.id} (${fence.phase})`,
    goal: provenDead(node),
  });
}

/** The fence operation of `changed` has a proof, whether it is still open or not. */
function provenDead(node: string): Goal<FenceView, NodeView> {
  return {
    what: `node ${node} proven dead`,
    lookWith: `kennel explain ${node}`,
    look: (client) => client.node(node),
    judge: (view: Outcome<NodeView>, changed: FenceView) =>
      onValue((seen: NodeView) => judgeFence(seen, changed))(view),
    reached: `node ${node}: proven dead`,
  };
}

function judgeFence(node: NodeView, changed: FenceView): Verdict<NodeView> {
  const fence = node.fence?.id === changed.id ? node.fence : null;
  const phase = fence?.phase ?? null;
  if (phase === 'proven' || phase === 'closed' || node.state === 'fenced') {
    return { kind: 'reached', value: node };
  }
  if (phase === 'cancelled' || (fence === null && node.state === 'online')) {
    return {
      kind: 'lost',
      problem: {
        code: 'E_FENCE_UNPROVEN',
        what: `${changed.id} ended without the node being seen fenced`,
        because: `${node.name} is ${nodeStateText(node)}`,
        so: 'see its record for what happened',
        try: [`kennel explain ${changed.id}`, `kennel events --node ${node.name}`],
      },
    };
  }
  const awaiting = fence?.awaiting ?? [];
  const awaited = awaiting.length === 0 ? '' : `, awaiting ${awaiting.join('; ')}`;
  return { kind: 'pending', state: `${node.name} is ${nodeStateText(node)}${awaited}` };
}
