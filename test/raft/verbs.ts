import type { Transition } from '../../src/raft/conf-change.ts';
import { messageTypes, type Id, type StepResult } from '../../src/raft/types.ts';
import { message } from '../../src/raft/message.ts';
import type { Command } from './datadriven.ts';
import {
  describeEntries,
  describeMessage,
  describeProgressMap,
  describeRole,
  parseChanges,
} from './describe.ts';
import { Refused, resultTexts, type Environment, type NodeOptions } from './environment.ts';
import type { Output } from './output.ts';

export interface Stage {
  readonly env: Environment;
  readonly output: Output;
}

type Verb = (stage: Stage, command: Command) => void;

/** What etcd-io/raft's interaction transcripts can say, and read-index and report-snapshot of ours. */
export const raftVerbs: Readonly<Record<string, Verb>> = {
  // A place for a debugger to stop at.
  _breakpoint: () => undefined,
  'log-level': ({ env }, command) => env.setLevel(command.args[0]?.key ?? ''),
  'add-nodes': addNodes,
  campaign: ({ env }, command) => demand(env.node(firstId(command)).raw.campaign()),
  compact,
  'deliver-msgs': deliverMessages,
  'process-ready': processReady,
  'process-append-thread': (stage, command) =>
    eachNode(stage, command, 'processing append thread', (id) => stage.env.processAppendThread(id)),
  'process-apply-thread': (stage, command) =>
    eachNode(stage, command, 'processing apply thread', (id) => stage.env.processApplyThread(id)),
  'raft-log': ({ env, output }, command) => writeLog(env, output, firstId(command)),
  'raft-state': raftState,
  'set-randomized-election-timeout': ({ env }, command) =>
    env
      .node(firstId(command))
      .raw.setRandomizedElectionTimeout(Number(valueOf(command, 'timeout') ?? Number.NaN)),
  stabilize,
  status: ({ env, output }, command) =>
    output.write(describeProgressMap(env.node(firstId(command)).raw.status().progress)),
  'tick-election': ({ env }, command) => ticks(env, firstId(command), 'electionTick'),
  'tick-heartbeat': ({ env }, command) => ticks(env, firstId(command), 'heartbeatTick'),
  tick: ({ env }, command) => {
    for (let n = Number(command.args[1]?.key ?? 1); n > 0; n--)
      env.node(firstId(command)).raw.tick();
  },
  'transfer-leadership': ({ env }, command) =>
    env.node(Number(valueOf(command, 'from'))).raw.transferLeader(Number(valueOf(command, 'to'))),
  'forget-leader': ({ env }, command) => env.node(firstId(command)).raw.forgetLeader(),
  'send-snapshot': sendSnapshot,
  propose: ({ env }, command) =>
    demand(env.node(firstId(command)).raw.propose(bytes(command.args[1]?.key ?? ''))),
  'propose-conf-change': proposeConfChange,
  'report-unreachable': ({ env }, command) => {
    const [id = 0, other = 0] = ids(command);
    env.node(id).raw.reportUnreachable(other);
  },
  'report-snapshot': ({ env }, command) => {
    const [id = 0, other = 0] = ids(command);
    env.node(id).raw.reportSnapshot(other, valueOf(command, 'ok') !== 'false');
  },
  'read-index': ({ env }, command) =>
    demand(env.node(firstId(command)).raw.readIndex(bytes(command.args[1]?.key ?? ''))),
};

function demand(result: StepResult): void {
  if (result !== 'ok') throw new Refused(resultTexts[result]);
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function ids(command: Command): readonly Id[] {
  return command.args.filter((one) => one.values.length === 0).map((one) => idOf(one.key));
}

function idOf(text: string): Id {
  if (!/^\d+$/.test(text)) throw new Refused(`${text} is no node`);
  return Number(text);
}

function firstId(command: Command): Id {
  return idOf(command.args[0]?.key ?? '');
}

function valueOf(command: Command, key: string): string | undefined {
  return command.args.find((one) => one.key === key)?.values[0];
}

function list(command: Command, key: string): readonly Id[] {
  return command.args.filter((one) => one.key === key).flatMap((one) => one.values.map(idOf));
}

type Option = (value: string) => NodeOptions;

const isTrue = (value: string): boolean => value === 'true' || value === '1' || value === 't';

const nodeOptions: Readonly<Record<string, Option>> = {
  'election-tick': (text) => ({ electionTick: Number(text) }),
  'heartbeat-tick': (text) => ({ heartbeatTick: Number(text) }),
  inflight: (text) => ({ maxInflightMsgs: Number(text) }),
  'max-inflight-bytes': (text) => ({ maxInflightBytes: Number(text) }),
  'max-size-per-msg': (text) => ({ maxSizePerMsg: Number(text) }),
  'max-uncommitted-size': (text) => ({ maxUncommittedEntriesSize: Number(text) }),
  'max-committed-size-per-ready': (text) => ({ maxCommittedSizePerReady: Number(text) }),
  'async-storage-writes': (text) => ({ asyncStorageWrites: isTrue(text) }),
  prevote: (text) => ({ preVote: isTrue(text) }),
  checkquorum: (text) => ({ checkQuorum: isTrue(text) }),
  'disable-proposal-forwarding': (text) => ({ disableProposalForwarding: isTrue(text) }),
  'disable-conf-change-validation': (text) => ({ disableConfChangeValidation: isTrue(text) }),
  'step-down-on-removal': (text) => ({ stepDownOnRemoval: isTrue(text) }),
  'read-only': (text) => {
    if (text !== 'safe' && text !== 'lease-based') {
      throw new Refused(`invalid read-only option "${text}"`);
    }
    return { readOnly: text };
  },
};

const bootstrapKeys = new Set(['voters', 'learners', 'index', 'content']);

function addNodes({ env }: Stage, command: Command): void {
  const options: NodeOptions[] = [];
  for (const { key, values } of command.args.slice(1)) {
    if (bootstrapKeys.has(key)) continue;
    const option = nodeOptions[key];
    if (option === undefined) throw new Refused(`unknown option ${key}`);
    options.push(option(values[0] ?? 'true'));
  }
  const index = Number(valueOf(command, 'index') ?? 0);
  const bootstrap = {
    index,
    term: index > 0 ? 1 : 0,
    confState: {
      voters: list(command, 'voters'),
      votersOutgoing: [],
      learners: list(command, 'learners'),
      learnersNext: [],
      autoLeave: false,
    },
    data: bytes(valueOf(command, 'content') ?? ''),
  };
  for (let n = firstId(command); n > 0; n--) {
    env.addNode(bootstrap, Object.assign({}, ...options) as NodeOptions);
  }
}

function compact({ env, output }: Stage, command: Command): void {
  const id = firstId(command);
  if (env.node(id).storage.compact(Number(command.args[1]?.key)) === 'compacted') {
    throw new Refused('requested index is unavailable due to compaction');
  }
  writeLog(env, output, id);
}

function writeLog(env: Environment, output: Output, id: Id): void {
  const { storage } = env.node(id);
  const first = storage.firstIndex();
  const last = storage.lastIndex();
  if (last < first) {
    output.write(`log is empty: first index=${first}, last index=${last}`);
    return;
  }
  const entries = storage.entries(first, last + 1, Number.MAX_SAFE_INTEGER);
  if (typeof entries !== 'string') output.write(describeEntries(entries));
}

function deliverMessages({ env, output }: Stage, command: Command): void {
  const dropped = list(command, 'drop');
  const typeName = valueOf(command, 'type');
  const type = messageTypes.find((one) => one === typeName);
  if (typeName !== undefined && type === undefined) throw new Refused(`unknown type ${typeName}`);
  let count = 0;
  const one = (id: Id, drop: boolean): void => {
    count += env.deliver(id, type, drop);
  };
  for (const argument of command.args) {
    if (argument.values.length === 0) one(idOf(argument.key), false);
    if (argument.key === 'drop') for (const text of argument.values) one(idOf(text), true);
  }
  if (dropped.some((id) => ids(command).includes(id))) {
    throw new Refused("can't both deliver and drop messages to a node");
  }
  if (count === 0) output.write('no messages\n');
}

function processReady(stage: Stage, command: Command): void {
  eachNode(stage, command, 'handling Ready', (id) => stage.env.processReady(id));
}

function eachNode({ output }: Stage, command: Command, what: string, work: (id: Id) => void): void {
  const all = ids(command);
  for (const id of all) {
    if (all.length === 1) {
      work(id);
    } else {
      output.write(`> ${id} ${what}\n`);
      output.indented(() => work(id));
    }
  }
}

function raftState({ env, output }: Stage): void {
  for (const node of env.nodes) {
    const { id, softState, hardState, membership } = node.raw.status();
    const votes = membership.incoming.includes(id) || membership.outgoing.includes(id);
    const { role, leader } = softState;
    output.write(
      `${id}: ${describeRole(role)} ${votes ? '(Voter)' : '(Non-Voter)'} ` +
        `Term:${hardState.term} Lead:${leader}\n`,
    );
  }
}

function stabilize({ env, output }: Stage, command: Command): void {
  const level = output.level;
  const asked = valueOf(command, 'log-level');
  if (asked !== undefined) env.setLevel(asked);
  try {
    env.stabilize(ids(command));
  } finally {
    output.level = level;
  }
}

function ticks(env: Environment, id: Id, unit: 'electionTick' | 'heartbeatTick'): void {
  const node = env.node(id);
  for (let n = node.config[unit]; n > 0; n--) node.raw.tick();
}

function sendSnapshot({ env, output }: Stage, command: Command): void {
  const [from = 0, to = 0] = ids(command);
  const node = env.node(from);
  const { term } = node.raw.status().hardState;
  const sent = message('MsgSnap', to, { from, term, snapshot: node.storage.snapshot() });
  env.messages.push(sent);
  output.write(describeMessage(sent));
}

const transitions: Readonly<Record<string, Transition>> = {
  auto: 'auto',
  implicit: 'jointImplicit',
  explicit: 'jointExplicit',
};

function proposeConfChange({ env }: Stage, command: Command): void {
  const name = valueOf(command, 'transition') ?? 'auto';
  const transition = transitions[name];
  if (transition === undefined) throw new Refused(`unknown transition ${name}`);
  const changes = parseChanges(command.input);
  const { raw } = env.node(firstId(command));
  if (!isTrue(valueOf(command, 'v1') ?? 'false')) {
    demand(raw.proposeConfChange({ version: 2, transition, changes, context: null }));
    return;
  }
  const [change] = changes;
  if (change === undefined || changes.length > 1 || transition !== 'auto') {
    throw new Refused('v1 conf change can only have one operation and no transition');
  }
  demand(raw.proposeConfChange({ version: 1, change, context: null }));
}
