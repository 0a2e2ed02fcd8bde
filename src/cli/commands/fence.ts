import { fenceDriverKinds } from '../../api/schema/fencing.ts';
import { changeOptions } from '../change-options.ts';
import { command } from '../command.ts';
import type { Noun } from '../command.ts';
import {
  duration,
  flag,
  integer,
  integerOr,
  optionalDuration,
  refused,
  repeatedText,
  requiredText,
  text,
} from '../option.ts';

const oneNode = { summary: 'name of the node', completes: { kind: 'node' } } as const;
const anyNode = { ...oneNode, summary: 'only this node', isOptional: true } as const;
const device = {
  summary: 'the device, as NODE/NAME',
  completes: { kind: 'fenceDevice' },
} as const;
const file = { completes: { kind: 'file' } } as const;

const add = command({
  name: 'add',
  summary: 'give a node a fence device, after verifying it',
  description: [
    'The device is read before it is stored: it must answer with the credentials given and tell which machine it belongs to, as far as it can. What would switch another node too is refused.',
    'Levels are tried in order. The devices of one level belong together: all of them must read Off, as the outlets of two power supplies must. A level that is not proven off within its budget gives way to the next.',
    'The password is read from a file or from standard input. It is not taken as an argument, because every user of the machine can read the arguments of a process.',
    'kennel fence drivers says what each kind of device is given. With --dry-run the device is verified and the time that a recovery may take is printed, and nothing is stored.',
  ],
  arguments: { device: { ...device, completes: { kind: 'nothing' } } },
  options: {
    driver: requiredText('--driver <kind>', 'kind of device', {
      completes: { kind: 'words', words: fenceDriverKinds },
    }),
    level: integerOr('--level <number>', 'levels are tried in order, 1 first', {
      min: 1,
      max: 8,
      fallback: 1,
    }),
    budget: optionalDuration(
      '--budget <duration>',
      'time for all of the level to be read Off; 45s where it is not said',
    ),
    delay: optionalDuration(
      '--delay <duration>',
      'how long the level is only read before it is told; 0s where it is not said',
    ),
    host: text('--host <host>', 'name or address of the device'),
    port: integer('--port <port>', 'port of the device; the driver knows the usual one', {
      min: 1,
      max: 65_535,
    }),
    user: text('--user <name>', 'user name at the device'),
    passwordFile: text('--password-file <file>', 'file that holds the password', file),
    passwordStdin: flag('--password-stdin', 'read the password from standard input'),
    password: refused('--password [value]', {
      because: 'every user of this machine can read the arguments of a process',
      try: ['--password-file FILE', '--password-stdin'],
    }),
    secretFile: repeatedText(
      '--secret-file <name=file>',
      'a further secret of a fence agent, by its name (may be repeated)',
    ),
    settle: duration('--settle <duration>', 'how long Off must be read before it counts', '2s'),
    set: repeatedText('--set <key=value>', 'a further setting of the driver (may be repeated)'),
    ...changeOptions,
  },
  examples: [
    'kennel fence add node-1/bmc --driver ipmi --host 10.0.9.1 --user kennel --password-file /root/bmc-1',
    'pass show bmc-1 | kennel fence add node-1/bmc --driver redfish --host 10.0.9.1 --user kennel --password-stdin',
    'kennel fence add node-1/pdu-a --level 2 --driver fence-agent --host 10.0.9.9 --user kennel --password-file /root/pdu --set agent=fence_apc --set plug=3',
    'kennel fence add node-1/pdu-b --level 2 --driver fence-agent --host 10.0.9.10 --user kennel --password-file /root/pdu --set agent=fence_apc --set plug=3 --dry-run',
  ],
  run: async (call) =>
    (await import('../actions/fence-add.ts')).addDevice(call, call.arguments.device, call.options),
});

const ls = command({
  name: 'ls',
  summary: 'fence devices, with their place in the topology of their node',
  arguments: { node: anyNode },
  options: {},
  examples: ['kennel fence ls', 'kennel fence ls node-1 -o json'],
  run: async (call) =>
    (await import('../actions/fence-read.ts')).listDevices(call, call.arguments.node),
});

const show = command({
  name: 'show',
  summary: 'one fence device in full: settings, last check, last drill',
  arguments: { device },
  options: {},
  examples: ['kennel fence show node-1/bmc'],
  run: async (call) =>
    (await import('../actions/fence-read.ts')).showDevice(call, call.arguments.device),
});

const drivers = command({
  name: 'drivers',
  summary: 'the kinds of fence device, and what each is given',
  arguments: {
    kind: {
      summary: 'only this kind',
      completes: { kind: 'words', words: fenceDriverKinds },
      isOptional: true,
    },
  },
  options: {},
  examples: ['kennel fence drivers', 'kennel fence drivers redfish'],
  run: async (call) =>
    (await import('../actions/fence-read.ts')).listDrivers(call, call.arguments.kind),
});

const budget = command({
  name: 'budget',
  summary: 'how long the VMs of a lost node may take to run elsewhere, by its configuration',
  description: [
    'Worst case: detection, then every level to the end of its budget, the settle time of the last one, and the start.',
  ],
  arguments: { node: anyNode },
  options: {},
  examples: ['kennel fence budget', 'kennel fence budget node-1'],
  run: async (call) =>
    (await import('../actions/fence-read.ts')).showBudgets(call, call.arguments.node),
});

const test = command({
  name: 'test',
  summary: 'check fence devices now, with what would fence; no power is changed',
  arguments: {
    target: { summary: 'a node, or one device as NODE/NAME', completes: { kind: 'fenceDevice' } },
  },
  options: {},
  examples: ['kennel fence test node-1', 'kennel fence test node-1/bmc'],
  run: async (call) =>
    (await import('../actions/fence-change.ts')).testDevices(call, call.arguments.target),
});

const rm = command({
  name: 'rm',
  summary: 'take a fence device out of the topology of its node',
  arguments: { device },
  options: changeOptions,
  examples: ['kennel fence rm node-1/pdu-a'],
  run: async (call) =>
    (await import('../actions/fence-change.ts')).removeDevice(
      call,
      call.arguments.device,
      call.options,
    ),
});

const drill = command({
  name: 'drill',
  summary: 'power a node off for real to see that it can be done, and on again',
  description: [
    'It is a fence operation like any other, proven by the same rules. What is measured is the time from the first Off reading of each device to the silence of the node; a settle time that is shorter than twice that is raised.',
    'Refused while the node runs VMs, and while any node is being fenced.',
  ],
  arguments: { node: oneNode },
  options: {
    level: integerOr('--level <number>', 'the level to try', { min: 1, max: 8, fallback: 1 }),
    withVms: flag('--with-vms', 'although the node runs VMs: they lose power and are recovered'),
    stayOff: flag('--stay-off', 'do not switch it on again'),
    ...changeOptions,
    timeout: duration('--timeout <duration>', 'longest wait for each step', '5m'),
  },
  examples: ['kennel fence drill node-3 --yes', 'kennel fence drill node-3 --level 2 --yes'],
  run: async (call) =>
    (await import('../actions/fence-drill.ts')).drillNode(call, call.arguments.node, call.options),
});

export const fenceNoun: Noun = {
  kind: 'noun',
  name: 'fence',
  summary: 'fence devices: add, list, test, drill, and how long a recovery may take',
  verbs: [add, ls, show, drivers, budget, test, drill, rm],
};
