import { changeOptions } from '../change-options.ts';
import { command } from '../command.ts';
import type { Noun } from '../command.ts';
import { duration, flag, integerOr, refused, requiredText, text, textOr } from '../option.ts';

const file = { completes: { kind: 'file' } } as const;
const port = { min: 1, max: 65_535 } as const;
const manager = { summary: 'name of the manager', completes: { kind: 'manager' } } as const;
const directory = textOr('--directory <path>', 'data of the manager', '/var/lib/kennel/manager', {
  completes: { kind: 'file' },
});
const ttl = duration('--ttl <duration>', 'how long it is good', '1h');

const ls = command({
  name: 'ls',
  summary: 'the managers: who leads, who answers, and the store behind them',
  description: [
    'What a manager says of the others is what it sees itself. `behind` counts the writes that the copy of a manager lacks.',
  ],
  arguments: {},
  options: {},
  examples: ['kennel manager ls', 'kennel manager ls -o json'],
  run: async (call) => (await import('../actions/manager-read.ts')).listManagers(call),
});

const token = command({
  name: 'token',
  summary: 'make a token with which a new manager joins',
  description: [
    'The token is printed to standard output, once; what to do with it goes to standard error. It is good for one join.',
    'Whoever holds it can become a manager, and a manager holds every key of the cluster: pass it on as you would a root password.',
    'With --witness the manager only votes in the store. It never leads and gets no key: the third vote of a site that has two machines for managers.',
  ],
  arguments: {},
  options: {
    name: text('--name <name>', 'only a manager of this name may join with it'),
    witness: flag('--witness', 'it only votes: no leadership, no keys, no agents'),
    ttl,
    ...changeOptions,
  },
  examples: [
    'kennel manager token --name manager-2',
    'kennel manager token --name witness-1 --witness --ttl 10m',
  ],
  run: async (call) =>
    (await import('../actions/manager-token.ts')).makeManagerToken(call, {
      ...call.options,
      replaces: null,
    }),
});

const replace = command({
  name: 'replace',
  summary: 'make a token with which a new manager takes the place of another one',
  description: [
    'The old one stays until the new one has joined and counts; then it is let go in the same step, so there is never one too few.',
    'With --name of the one that is replaced, it joins again under its own name, for example on a new machine: what it was before loses its vote at once, so that must not run any more. A witness is replaced by a witness.',
  ],
  arguments: { manager },
  options: {
    name: text('--name <name>', 'only a manager of this name may join with it'),
    ttl,
    ...changeOptions,
  },
  examples: ['kennel manager replace manager-2 --name manager-4'],
  run: async (call) =>
    (await import('../actions/manager-token.ts')).makeManagerToken(call, {
      ...call.options,
      witness: false,
      replaces: call.arguments.manager,
    }),
});

const remove = command({
  name: 'remove',
  summary: 'take a manager out of the cluster',
  description: [
    'Refused for the last one, and for one without which the others would be no quorum.',
    'Its process stops by itself when it hears of it. It has held the keys of the cluster: if its machine is not trusted any more, make a new cluster authority.',
  ],
  arguments: { manager },
  options: { ...changeOptions },
  examples: ['kennel manager remove manager-3', 'kennel manager remove manager-3 --dry-run'],
  run: async (call) =>
    (await import('../actions/manager-change.ts')).removeManager(
      call,
      call.arguments.manager,
      call.options,
    ),
});

const join = command({
  name: 'join',
  summary: 'make this machine a manager of a cluster that is there',
  description: [
    'The private key is made on this machine and never leaves it. The token names the certificate authority, so a manager that is not the right one is refused. The keys of the cluster and the way to its store come over a second connection, on which both sides show certificates.',
  ],
  arguments: {},
  options: {
    token: refused('--token [value]', {
      because: 'the arguments of a process can be read by every user of the machine',
      try: ['--token-file FILE', '--token-stdin'],
    }),
    tokenFile: text(
      '--token-file <path>',
      'read the token from `kennel manager token` there',
      file,
    ),
    tokenStdin: flag('--token-stdin', 'read the token from standard input'),
    manager: requiredText('--manager <host:port>', 'address of the API of a manager'),
    name: requiredText('--name <name>', 'name of this manager in the cluster'),
    address: requiredText('--address <host>', 'under which agents, managers and people reach it'),
    apiPort: integerOr('--api-port <port>', 'port for people and tools', {
      ...port,
      fallback: 7400,
    }),
    sessionPort: integerOr('--session-port <port>', 'port for agents and managers', {
      ...port,
      fallback: 7401,
    }),
    directory,
  },
  examples: [
    'kennel manager token --name manager-2 | ssh manager-2 kennel manager join --token-stdin --manager 10.0.0.10:7400 --name manager-2 --address 10.0.0.12',
  ],
  run: async (call) => (await import('../actions/services.ts')).joinManager(call, call.options),
});

const rebuild = command({
  name: 'rebuild',
  summary: 'copy the store of this manager anew from the others, when it is damaged or gone',
  description: [
    'For a manager whose log is damaged or lost, while the others have a quorum. Run it on that machine, with the manager stopped. It shows its certificate to another manager and is given a new number; its vote under the old one is taken away, because it may have voted for what is gone. The damaged data is set aside and never deleted.',
    'The manager is a learner until it has caught up, and then counts again. An interrupted rebuild may be repeated. Where the certificate is gone too, kennel manager replace NAME --name NAME gives a token for the same name.',
  ],
  arguments: {},
  options: {
    manager: requiredText('--manager <host:port>', 'address of the API of another manager'),
    directory,
    yes: flag('-y, --yes', 'do not ask'),
  },
  examples: ['kennel manager rebuild --manager 10.0.0.10:7400 && kennel manager run'],
  run: async (call) => (await import('../actions/services.ts')).rebuildManager(call, call.options),
});

const run = command({
  name: 'run',
  summary: 'run the manager in the foreground until it is told to stop',
  description: [
    'For the service manager of the machine. SIGTERM and SIGINT stop it in order. It also ends when it was removed from the cluster, with exit code 1.',
  ],
  arguments: {},
  options: { directory },
  examples: ['kennel manager run'],
  run: async (call) => (await import('../actions/services.ts')).runManager(call, call.options),
});

export const managerNoun: Noun = {
  kind: 'noun',
  name: 'manager',
  summary: 'the managers of the cluster, and the one on this machine',
  verbs: [ls, token, join, replace, remove, rebuild, run],
};
