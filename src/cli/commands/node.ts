import { changeOptions } from '../change-options.ts';
import { command } from '../command.ts';
import type { Noun } from '../command.ts';
import { cordon, drain, maintenance, reboot, shutdown, uncordon } from './node-maintenance.ts';
import { duration, flag, requiredText, text } from '../option.ts';

const node = { summary: 'name of the node', completes: { kind: 'node' } } as const;

const ls = command({
  name: 'ls',
  summary: 'list nodes',
  arguments: {},
  options: {},
  examples: ['kennel node ls', 'kennel node ls -o wide'],
  run: async (call) => (await import('../actions/node-read.ts')).listNodes(call),
});

const show = command({
  name: 'show',
  summary: 'one node in full, with its fence devices and open fence operation',
  arguments: { node },
  options: {},
  examples: ['kennel node show node-1'],
  run: async (call) =>
    (await import('../actions/node-read.ts')).showNode(call, call.arguments.node),
});

const token = command({
  name: 'token',
  summary: 'make a token with which a new node joins',
  description: [
    'The token is printed to standard output, once; what to do with it goes to standard error. It is good for one join.',
  ],
  arguments: {},
  options: {
    node: text('--node <name>', 'only a node of this name may join with it'),
    ttl: duration('--ttl <duration>', 'how long it is good', '1h'),
    ...changeOptions,
  },
  examples: ['kennel node token --node node-4', 'kennel node token --ttl 10m'],
  run: async (call) => (await import('../actions/node-token.ts')).makeToken(call, call.options),
});

const fence = command({
  name: 'fence',
  summary: 'fence a node: power it off, prove it, restart its VMs elsewhere',
  description: ['The VMs of the node lose power. A guard that forbids it is named.'],
  arguments: { node },
  options: {
    override: flag('--override', 'fence although a guard forbids it'),
    ...changeOptions,
    reason: requiredText('--reason <text>', 'why; it is kept in the record'),
  },
  examples: ['kennel node fence node-7 --reason "disk controller dying" --wait'],
  run: async (call) =>
    (await import('../actions/node-fence.ts')).fenceNode(call, call.arguments.node, call.options),
});

const confirmOff = command({
  name: 'confirm-off',
  summary: 'state that you have seen a node switched off',
  description: [
    'The statement is a proof: the VMs of the node are started elsewhere because of it. If the node runs, its disks are written by two. It is refused while evidence contradicts it, and recorded with your name.',
  ],
  arguments: { node },
  options: {
    fence: text('--fence <id>', 'the fence operation it speaks of, for example F-1'),
    ...changeOptions,
    reason: requiredText('--reason <text>', 'what you saw; it is kept in the record'),
  },
  examples: ['kennel node confirm-off node-7 --reason "pulled both power cords"'],
  run: async (call) =>
    (await import('../actions/node-fence.ts')).confirmOff(call, call.arguments.node, call.options),
});

const powerOn = command({
  name: 'power-on',
  summary: 'switch a fenced node on again',
  arguments: { node },
  options: changeOptions,
  examples: ['kennel node power-on node-7 --wait --timeout 10m'],
  run: async (call) =>
    (await import('../actions/node-change.ts')).powerOn(call, call.arguments.node, call.options),
});

const remove = command({
  name: 'remove',
  summary: 'take a node out of the cluster; refused while it holds VMs',
  arguments: { node },
  options: changeOptions,
  examples: ['kennel node remove node-7'],
  run: async (call) =>
    (await import('../actions/node-change.ts')).removeNode(call, call.arguments.node, call.options),
});

const label = command({
  name: 'label',
  summary: 'set labels of a node, or take them away',
  description: [
    'Nodes that share psu, rack or switch are named as one when they are lost together.',
  ],
  arguments: {
    node,
    labels: {
      summary: 'KEY=VALUE, or KEY- to take one away; several with commas between them',
      completes: { kind: 'nothing' },
    },
  },
  options: changeOptions,
  examples: ['kennel node label node-1 rack=r1,switch=s4', 'kennel node label node-1 rack-'],
  run: async (call) =>
    (await import('../actions/node-marks.ts')).labelNode(call, call.arguments.node, {
      ...call.options,
      labels: call.arguments.labels,
    }),
});

const unquarantine = command({
  name: 'unquarantine',
  summary: 'let a node that flapped take VMs again, at once',
  arguments: { node },
  options: changeOptions,
  examples: ['kennel node unquarantine node-7 --reason "cable replaced"'],
  run: async (call) =>
    (await import('../actions/node-marks.ts')).unquarantine(
      call,
      call.arguments.node,
      call.options,
    ),
});

export const nodeNoun: Noun = {
  kind: 'noun',
  name: 'node',
  summary: 'nodes: list, enrol, drain, maintenance, reboot, label, fence, power on, remove',
  verbs: [
    ls,
    show,
    token,
    cordon,
    uncordon,
    drain,
    maintenance,
    reboot,
    shutdown,
    fence,
    confirmOff,
    powerOn,
    label,
    unquarantine,
    remove,
  ],
};
