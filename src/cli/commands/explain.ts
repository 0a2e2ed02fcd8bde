import { command } from '../command.ts';

export const explainCommand = command({
  name: 'explain',
  summary: 'why something is as it is, what is awaited, what would resolve it',
  description: [
    'The topic is an error code, the code of a line in kennel status, a node, a VM, a fence operation (F-1) or a failover (FO-1). Codes are answered from this program, without a cluster.',
  ],
  arguments: {
    topic: { summary: 'code, node, VM, F-1 or FO-1', completes: { kind: 'topic' } },
  },
  options: {},
  examples: [
    'kennel explain E_FENCE_UNPROVEN',
    'kennel explain BMC_LIED',
    'kennel explain db-1',
    'kennel explain F-1',
  ],
  run: async (call) => (await import('../actions/explain.ts')).explain(call, call.arguments.topic),
});
