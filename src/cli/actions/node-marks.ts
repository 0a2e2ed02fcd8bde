import type { Change } from '../change-options.ts';
import { runChange } from '../change.ts';
import type { Call } from '../command.ts';
import { labelsText } from '../render/node.ts';
import { usageError } from '../usage.ts';
import { describeNode, online } from './node-change.ts';

export async function labelNode(
  call: Call,
  node: string,
  options: Change & { readonly labels: string },
): Promise<number> {
  const labels = Object.fromEntries(options.labels.split(',').map(labelOf));
  return runChange(call, options, {
    question: null,
    apply: (client, how) => client.labelNode(node, { labels }, how),
    describe: (view, isDryRun) =>
      `node ${view.name}: labels ${isDryRun ? 'would be' : 'are'} ${labelsText(view)}`,
    goal: null,
  });
}

/** `rack=r1` sets, `rack-` takes away. */
function labelOf(text: string): [string, string | null] {
  const [key = '', value, ...rest] = text.trim().split('=');
  if (value === undefined && key.endsWith('-') && key.length > 1) return [key.slice(0, -1), null];
  if (key !== '' && value !== undefined && value !== '' && rest.length === 0) return [key, value];
  throw usageError({
    what: `"${text}" is no label`,
    because: 'it must have the form KEY=VALUE, or KEY- to take one away',
    try: ['kennel node label node-1 rack=r1', 'kennel node label node-1 rack-'],
  });
}

export async function unquarantine(call: Call, node: string, options: Change): Promise<number> {
  return runChange(call, options, {
    question: null,
    apply: (client, how) => client.unquarantine(node, how),
    describe: (view, isDryRun) =>
      `node ${view.name}: ${isDryRun ? 'would take' : 'takes'} VMs again (${describeNode(view)})`,
    goal: online(node),
  });
}
