import type { Entry } from './command.ts';

/** One word after `kennel`. The verbs below it are loaded only when they are needed. */
export interface TableRow {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Entry>;
}

/** All of the command line, in the order in which help and docs/cli.md show it. */
export const commandTable: readonly TableRow[] = [
  {
    name: 'status',
    summary: 'what runs where, what is wrong, and which command fixes it',
    load: async () => (await import('./commands/status.ts')).statusCommand,
  },
  {
    name: 'top',
    summary: 'what nodes and VMs use of their CPUs and memory',
    load: async () => (await import('./commands/top.ts')).topCommand,
  },
  {
    name: 'explain',
    summary: 'why something is as it is, what is awaited, what would resolve it',
    load: async () => (await import('./commands/explain.ts')).explainCommand,
  },
  {
    name: 'why',
    summary: 'why something is where it is',
    load: async () => (await import('./commands/why.ts')).whyNoun,
  },
  {
    name: 'vm',
    summary: 'VMs: list, create, start, stop, pause, restart, snapshot, migrate, adopt, delete',
    load: async () => (await import('./commands/vm.ts')).vmNoun,
  },
  {
    name: 'import',
    summary: 'make VM files from what other systems have',
    load: async () => (await import('./commands/import.ts')).importNoun,
  },
  {
    name: 'node',
    summary: 'nodes: list, enrol, drain, maintenance, reboot, label, fence, power on, remove',
    load: async () => (await import('./commands/node.ts')).nodeNoun,
  },
  {
    name: 'fence',
    summary: 'fence devices: add, list, test, drill, and how long a recovery may take',
    load: async () => (await import('./commands/fence.ts')).fenceNoun,
  },
  {
    name: 'rule',
    summary: 'placement rules: where VMs run, together, apart, spread',
    load: async () => (await import('./commands/rule.ts')).ruleNoun,
  },
  {
    name: 'plan',
    summary: 'what would be where: when nodes fail, are emptied, start, or load is evened out',
    load: async () => (await import('./commands/plan.ts')).planNoun,
  },
  {
    name: 'placement',
    summary: 'how nodes are chosen: failover capacity, rebalancing',
    load: async () => (await import('./commands/placement.ts')).placementNoun,
  },
  {
    name: 'events',
    summary: 'the history of the cluster, line by line',
    load: async () => (await import('./commands/events.ts')).eventsCommand,
  },
  {
    name: 'failover',
    summary: 'records of failovers: what happened, by which proof, how fast',
    load: async () => (await import('./commands/failover.ts')).failoverNoun,
  },
  {
    name: 'disarm',
    summary: 'do nothing by itself for a while: fence nobody, restart and move no VM',
    load: async () => (await import('./commands/arming.ts')).disarmCommand,
  },
  {
    name: 'arm',
    summary: 'fence and recover by itself again',
    load: async () => (await import('./commands/arming.ts')).armCommand,
  },
  {
    name: 'governor',
    summary: 'the storm governor: many nodes lost together wait for a person',
    load: async () => (await import('./commands/governor.ts')).governorNoun,
  },
  {
    name: 'alert',
    summary: 'who is told when something happens: webhooks and programs',
    load: async () => (await import('./commands/alert.ts')).alertNoun,
  },
  {
    name: 'settings',
    summary: 'what is set for the whole cluster: bounds of fencing, quarantine',
    load: async () => (await import('./commands/settings.ts')).settingsNoun,
  },
  {
    name: 'init',
    summary: 'make a new cluster and its first manager on this machine',
    load: async () => (await import('./commands/init.ts')).initCommand,
  },
  {
    name: 'manager',
    summary: 'the managers of the cluster, and the one on this machine',
    load: async () => (await import('./commands/manager.ts')).managerNoun,
  },
  {
    name: 'backup',
    summary: "write all of the cluster's state into one file",
    load: async () => (await import('./commands/backup.ts')).backupCommand,
  },
  {
    name: 'restore',
    summary: 'put a backup into the empty store of a stopped manager',
    load: async () => (await import('./commands/restore.ts')).restoreCommand,
  },
  {
    name: 'store',
    summary: 'where the state is kept: move it to another store',
    load: async () => (await import('./commands/store.ts')).storeNoun,
  },
  {
    name: 'agent',
    summary: 'the agent on this machine: join a cluster, run',
    load: async () => (await import('./commands/agent.ts')).agentNoun,
  },
  {
    name: 'operator',
    summary: 'the operator for Kubernetes: VMs as objects',
    load: async () => (await import('./commands/operator.ts')).operatorNoun,
  },
  {
    name: 'lab',
    summary: 'a whole cluster on one machine, to try and to break things',
    load: async () => (await import('./commands/mounted.ts')).labEntry,
  },
  {
    name: 'chaos',
    summary: 'break a simulated cluster on purpose and check that no rule is broken',
    load: async () => (await import('./commands/mounted.ts')).chaosEntry,
  },
  {
    name: 'completion',
    summary: 'print the completion script of a shell',
    load: async () => (await import('./commands/completion.ts')).completionNoun,
  },
  {
    name: 'version',
    summary: 'print the version',
    load: async () => (await import('./commands/version.ts')).versionCommand,
  },
];
