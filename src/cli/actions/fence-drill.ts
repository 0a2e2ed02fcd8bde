import type { FenceView, NodeView } from '../../api/schema/views.ts';
import { confirm, valueOf, withClient } from '../action.ts';
import type { Client } from '../../client/client.ts';
import type { Change } from '../change-options.ts';
import type { Call } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { isForPeople, print } from '../output.ts';
import { formatDuration } from '../duration.ts';
import { nodeStateText } from '../render/states.ts';
import { onValue, waitUntil, type Verdict } from '../wait-until.ts';

interface DrillOptions extends Change {
  readonly level: number;
  readonly withVms: boolean;
  readonly stayOff: boolean;
}

/** Off, proven, on, online again; then what was measured. The operation goes on without this command. */
export async function drillNode(call: Call, node: string, options: DrillOptions): Promise<number> {
  const { level, withVms } = options;
  const question = `Node ${node} loses power${withVms ? ', with the VMs that it runs' : ''}.`;
  const yes = options.yes || options.dryRun;
  if (!(await confirm(call, { question, typed: null, yes }))) return exitCodes.failed;
  const say = (line: string): void => {
    if (isForPeople(call)) call.world.terminal.write(`${line}\n`);
  };
  return withClient(call, async (client) => {
    const how = { dryRun: options.dryRun, reason: options.reason ?? 'drill' };
    const fence = valueOf(await client.drillNode(node, { level, withVms }, how));
    if (options.dryRun) {
      say(`node ${node}: would be powered off by level ${level}`);
      return exitCodes.done;
    }
    say(`node ${node}: ${fence.id} powers it off by level ${level}`);
    const off = await step(call, client, {
      what: `node ${node} proven off`,
      node,
      timeoutMs: options.timeout,
      judge: (view) => judgeOff(view, fence),
    });
    say(`node ${node}: proven off`);
    if (!options.stayOff) {
      valueOf(await client.powerOn(node, { timeoutMs: options.timeout }));
      await step(call, client, {
        what: `node ${node} online`,
        node,
        timeoutMs: options.timeout,
        judge: (view) =>
          view.state === 'online'
            ? { kind: 'reached', value: view }
            : { kind: 'pending', state: `${node} is ${nodeStateText(view)}` },
      });
      say(`node ${node}: online again`);
    }
    const measured = off.fenceDevices.filter(
      (device) => device.drill !== null && device.level === level,
    );
    await print(call, measured, () =>
      measured
        .map(
          ({ id, drill, settleMs }) =>
            `${id}: silent ${drill?.silenceMs ?? 0} ms after the first Off at the latest, settle time ${formatDuration(settleMs)}`,
        )
        .join('\n'),
    );
    return exitCodes.done;
  });
}

function judgeOff(view: NodeView, fence: FenceView): Verdict<NodeView> {
  const isProven = view.fence?.id === fence.id && view.fence.proof !== null;
  if (isProven || view.state === 'fenced') return { kind: 'reached', value: view };
  const awaiting = view.fence?.awaiting.join('; ') ?? '';
  return { kind: 'pending', state: `${view.name} is ${nodeStateText(view)}; ${awaiting}` };
}

async function step(
  call: Call,
  client: Client,
  goal: {
    readonly what: string;
    readonly node: string;
    readonly timeoutMs: number;
    judge(view: NodeView): Verdict<NodeView>;
  },
): Promise<NodeView> {
  return valueOf(
    await waitUntil<NodeView, NodeView>(await call.world.env(), {
      what: goal.what,
      lookWith: `kennel explain ${goal.node}`,
      timeoutMs: goal.timeoutMs,
      look: () => client.node(goal.node),
      judge: onValue((view: NodeView) => goal.judge(view)),
    }),
  );
}
