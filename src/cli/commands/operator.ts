import { command } from '../command.ts';
import type { Noun } from '../command.ts';
import { flag, text, textOr } from '../option.ts';

const run = command({
  name: 'run',
  summary: 'run the operator in the foreground until it is told to stop',
  description: [
    'It shows Kubernetes what Kennel does, and tells Kennel what VirtualMachine objects ask for. Which cluster of Kennel is meant is said by the client configuration, as for every verb.',
    'VMs and failover go on without it and without the API server; what objects show follows when both are back. The CRDs are in deploy/crds.',
  ],
  arguments: {},
  options: {
    kubeconfig: text('--kubeconfig <path>', 'the API server; without it that of this pod', {
      completes: { kind: 'file' },
    }),
    leaseNamespace: textOr(
      '--lease-namespace <name>',
      'where operators agree on which of them works, and placeholders are',
      'kennel-system',
    ),
    withoutLease: flag('--without-lease', 'there is no other operator'),
    placeholderImage: text(
      '--placeholder-image <image>',
      'reserve what VMs take on hypervisors that are Nodes, by pods of this image, which does nothing',
    ),
  },
  examples: ['kennel operator run --kubeconfig ~/.kube/config'],
  run: async (call) => (await import('../actions/operator.ts')).runOperator(call, call.options),
});

export const operatorNoun: Noun = {
  kind: 'noun',
  name: 'operator',
  summary: 'the operator for Kubernetes: VMs as objects',
  verbs: [run],
};
