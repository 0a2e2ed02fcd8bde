import type { NodeView } from '../../api/schema/views.ts';
import { valueOf, withClient } from '../action.ts';
import type { Change } from '../change-options.ts';
import { runChange } from '../change.ts';
import type { Call } from '../command.ts';
import { splitDevice } from '../device-name.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import { renderBudget, renderTests } from '../render/fence.ts';
import { onValue } from '../wait-until.ts';

/** A probe asks a slow device several things, and more than one device is asked. In ms. */
const testTimeoutMs = 120_000;

export async function testDevices(call: Call, target: string): Promise<number> {
  const { node, device } = target.includes('/')
    ? splitDevice(target)
    : { node: target, device: null };
  return withClient(call, async (client) => {
    const how = { timeoutMs: testTimeoutMs };
    const tests = valueOf(await client.testFence(node, { device }, how));
    await print(call, tests, (layout) => renderTests(tests, layout));
    return tests.every(({ ok }) => ok) ? exitCodes.done : exitCodes.failed;
  });
}

export async function removeDevice(call: Call, name: string, options: Change): Promise<number> {
  const { node, device } = splitDevice(name);
  return runChange(call, options, {
    question: {
      question: `${name} does not fence ${node} any more; its credentials are forgotten.`,
      typed: null,
    },
    apply: (client, how) => client.removeFenceDevice(node, device, how),
    describe: (view, isDryRun) =>
      [
        `fence device ${name}: ${isDryRun ? 'would be removed' : 'removed'}`,
        ...(isDryRun ? [] : renderBudget(view.budget).map((line) => `  ${line}`)),
      ].join('\n'),
    goal: {
      what: `fence device ${name} gone`,
      lookWith: `kennel fence ls ${node}`,
      look: (client) => client.node(node),
      judge: onValue((view: NodeView) =>
        view.fenceDevices.some(({ id }) => id === name)
          ? { kind: 'pending', state: `${name} is still listed` }
          : { kind: 'reached', value: view },
      ),
      reached: `fence device ${name}: gone`,
    },
  });
}
