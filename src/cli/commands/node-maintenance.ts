import { changeOptions } from '../change-options.ts';
import { command } from '../command.ts';
import { flag, oneOf, optionalDuration } from '../option.ts';

const node = { summary: 'name of the node', completes: { kind: 'node' } } as const;

const evacuationOptions = {
  stuck: oneOf(
    '--stuck <policy>',
    'a VM that does not go live: leave it there, restart it elsewhere, or refuse to begin',
    ['leave', 'restart', 'refuse'],
    'leave',
  ),
  deadline: optionalDuration('--deadline <duration>', 'move VMs for so long and no longer'),
  force: flag('--force', 'although VMs have no place, failover no room or the managers no quorum'),
};

const policy = oneOf(
  '--policy <policy>',
  'what becomes of its VMs: they wait for it, start elsewhere, or are moved away before',
  ['cluster', 'conditional', 'freeze', 'failover', 'migrate'],
  'cluster',
);

export const cordon = command({
  name: 'cordon',
  summary: 'give a node no new VMs; what runs there stays',
  arguments: { node },
  options: changeOptions,
  examples: ['kennel node cordon node-7 --reason "memory errors"'],
  run: async (call) =>
    (await import('../actions/maintenance.ts')).mark(call, call.arguments.node, {
      ...call.options,
      want: 'cordon',
    }),
});

export const uncordon = command({
  name: 'uncordon',
  summary: 'let a node take VMs again after a cordon or a drain',
  description: ['VMs that a drain moved away stay where they are.'],
  arguments: { node },
  options: changeOptions,
  examples: ['kennel node uncordon node-7'],
  run: async (call) =>
    (await import('../actions/maintenance.ts')).mark(call, call.arguments.node, {
      ...call.options,
      want: 'uncordon',
    }),
});

export const drain = command({
  name: 'drain',
  summary: 'move the VMs of a node away and give it no new ones, until it is uncordoned',
  description: [
    'VMs stay where they go. With --dry-run: where each would go, how, for how long, and what stands against it.',
  ],
  arguments: { node },
  options: { ...evacuationOptions, ...changeOptions },
  examples: ['kennel node drain node-7 --dry-run', 'kennel node drain node-7 --wait --timeout 1h'],
  run: async (call) =>
    (await import('../actions/maintenance.ts')).empty(call, call.arguments.node, {
      ...call.options,
      want: 'drain',
    }),
});

export const maintenance = command({
  name: 'maintenance',
  summary: 'empty a node for work on it, and take its VMs back afterwards',
  description: [
    'enter NODE moves its VMs away; empty, it is not fenced when it goes silent, and it stays in maintenance over reboots. exit NODE, at any moment, ends that: what is being moved stays, and what was moved away comes back, unless a person moved it meanwhile. ls shows every node that is closed, what is still on it and why, and what comes back.',
    'With --dry-run: where each VM would go, how, for how long, and what stands against it.',
  ],
  arguments: {
    verb: {
      summary: 'enter, exit or ls',
      completes: { kind: 'words', words: ['enter', 'exit', 'ls'] },
    },
    node: { ...node, isOptional: true },
  },
  options: { ...evacuationOptions, ...changeOptions },
  examples: [
    'kennel node maintenance enter node-7 --wait --timeout 1h --reason "new disks"',
    'kennel node maintenance exit node-7 --wait',
    'kennel node maintenance ls',
  ],
  run: async (call) =>
    (await import('../actions/maintenance.ts')).maintain(call, call.arguments, call.options),
});

export const reboot = command({
  name: 'reboot',
  summary: 'reboot a node, its VMs cared for before',
  description: [
    'The agent of the node reboots it through systemd. The policy is the one of a reboot that somebody begins on the node itself; conditional is freeze for a reboot, failover for a shutdown.',
  ],
  arguments: { node },
  options: { policy, ...evacuationOptions, ...changeOptions },
  examples: ['kennel node reboot node-7 --policy migrate --reason "new kernel"'],
  run: async (call) =>
    (await import('../actions/maintenance.ts')).goDown(call, call.arguments.node, {
      ...call.options,
      want: 'reboot',
    }),
});

export const shutdown = command({
  name: 'shutdown',
  summary: 'shut a node down, its VMs cared for before',
  description: ['As reboot; kennel node power-on switches it on again.'],
  arguments: { node },
  options: { policy, ...evacuationOptions, ...changeOptions },
  examples: ['kennel node shutdown node-7 --policy migrate'],
  run: async (call) =>
    (await import('../actions/maintenance.ts')).goDown(call, call.arguments.node, {
      ...call.options,
      want: 'shutdown',
    }),
});
