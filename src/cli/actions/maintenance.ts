import type { MaintainNode, MaintenanceView } from '../../api/schema/maintenance.ts';
import type { Client } from '../../client/client.ts';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import { valueOf, withClient } from '../action.ts';
import type { Change } from '../change-options.ts';
import { runChange, type Goal } from '../change.ts';
import type { Call } from '../command.ts';
import { isForPeople, layoutOf, print } from '../output.ts';
import { progressText, renderMaintenance } from '../render/maintenance.ts';
import { usageError } from '../usage.ts';
import type { Verdict } from '../wait-until.ts';

interface Evacuates extends Change {
  readonly stuck: 'leave' | 'restart' | 'refuse';
  readonly deadline: number | null;
  readonly force: boolean;
}

export async function mark(
  call: Call,
  node: string,
  options: Change & { readonly want: 'cordon' | 'uncordon' },
): Promise<number> {
  const { want } = options;
  return change(call, node, options, { body: { want }, question: null, goal: null });
}

export async function empty(
  call: Call,
  node: string,
  options: Evacuates & { readonly want: 'drain' | 'maintenance' },
): Promise<number> {
  const { want, stuck, deadline, force } = options;
  return change(call, node, options, {
    body: { want, stuck, deadlineMs: deadline, force },
    question: stuck === 'restart' ? `VMs of ${node} that do not go live are shut down.` : null,
    goal: whenEmpty(call, node),
  });
}

export async function maintain(
  call: Call,
  { verb, node }: { readonly verb: string; readonly node: string | null },
  options: Evacuates,
): Promise<number> {
  if (verb === 'ls' && node === null) return list(call);
  if (node !== null && verb === 'enter') {
    return empty(call, node, { ...options, want: 'maintenance' });
  }
  if (node !== null && verb === 'exit') {
    return change(call, node, options, {
      body: { want: 'exit' },
      question: null,
      goal: whenReturned(call, node),
    });
  }
  throw usageError({
    what: `maintenance ${[verb, node ?? ''].join(' ').trim()} is no command`,
    because: 'it is enter or exit with a node, or ls without one',
    try: ['kennel node maintenance enter NODE', 'kennel node maintenance ls'],
  });
}

export async function goDown(
  call: Call,
  node: string,
  options: Evacuates & {
    readonly want: 'reboot' | 'shutdown';
    readonly policy: 'cluster' | 'conditional' | 'freeze' | 'failover' | 'migrate';
  },
): Promise<number> {
  const { want, stuck, deadline, force } = options;
  const policy = options.policy === 'cluster' ? null : options.policy;
  return change(call, node, options, {
    body: { want, policy, stuck, deadlineMs: deadline, force },
    question: `${node} is ${want === 'reboot' ? 'rebooted' : 'shut down'}.`,
    goal: whenDown(call, node),
  });
}

async function list(call: Call): Promise<number> {
  return withClient(call, async (client) => {
    const views = valueOf(await client.maintenance());
    await print(call, views, (layout) =>
      views.length === 0
        ? 'every node takes VMs'
        : views.map((view) => renderMaintenance(view, layout)).join('\n\n'),
    );
    return 0;
  });
}

type Seen = MaintenanceView | null;

async function change(
  call: Call,
  node: string,
  options: Change,
  steps: {
    readonly body: MaintainNode;
    readonly question: string | null;
    readonly goal: Goal<MaintenanceView, Seen> | null;
  },
): Promise<number> {
  const layout = await layoutOf(call);
  const { body, question, goal } = steps;
  return runChange(call, options, {
    question: question === null ? null : { question, typed: null },
    apply: (client, how) => client.maintainNode(node, body, how),
    describe: (view, isDryRun) => {
      const text = renderMaintenance(view, layout);
      return isDryRun ? `would be:\n${text}` : text;
    },
    goal,
  });
}

/** Null: nothing is to be said of the node any more. */
async function look(client: Client, node: string): Promise<Outcome<Seen>> {
  const views = await client.maintenance();
  if (views.kind === 'problem') return views;
  return ok(views.value.find((view) => view.node === node) ?? null);
}

function goalOf(
  call: Call,
  node: string,
  {
    what,
    reached,
    judge,
  }: {
    readonly what: string;
    readonly reached: string;
    readonly judge: (view: Seen) => Verdict<unknown>;
  },
): Goal<MaintenanceView, Seen> {
  let told = '';
  return {
    what: `node ${node} ${what}`,
    lookWith: 'kennel node maintenance ls',
    look: (client) => look(client, node),
    judge: (seen) => {
      if (seen.kind === 'problem') return { kind: 'lost', problem: seen.problem };
      const text = seen.value === null ? '' : progressText(seen.value);
      if (text !== told && text !== '' && isForPeople(call)) {
        call.world.terminal.writeError(`${text}\n`);
      }
      told = text;
      return judge(seen.value);
    },
    reached: `node ${node}: ${reached}`,
  };
}

function whenEmpty(call: Call, node: string): Goal<MaintenanceView, Seen> {
  return goalOf(call, node, {
    what: 'empty',
    reached: 'no VM is on it',
    judge: (view) => {
      const isWanted = view !== null && view.evacuation !== null;
      if (!isWanted) return lost(node, 'it is not to be empty any more', 'it takes VMs');
      if (view.state === 'empty') return { kind: 'reached', value: view };
      if (view.state === 'emptying') return { kind: 'pending', state: progressText(view) };
      return lost(node, progressText(view), 'its time is over, and it stays closed');
    },
  });
}

function whenReturned(call: Call, node: string): Goal<MaintenanceView, Seen> {
  return goalOf(call, node, {
    what: 'as it was',
    reached: 'its VMs are back',
    judge: (view) =>
      view === null || view.returning.length === 0
        ? { kind: 'reached', value: view }
        : { kind: 'pending', state: progressText(view) },
  });
}

/** A reboot is over when the node is back; a shutdown when nothing is heard of it. */
function whenDown(call: Call, node: string): Goal<MaintenanceView, Seen> {
  return goalOf(call, node, {
    what: 'down, or back from its reboot',
    reached: 'it went down, and is back if that was asked',
    judge: (view) => {
      if (view === null || view.downtime === null) return { kind: 'reached', value: view };
      const isOff = view.downtime.kind === 'shutdown' && !view.isHeard;
      return isOff
        ? { kind: 'reached', value: view }
        : { kind: 'pending', state: progressText(view) };
    },
  });
}

function lost(node: string, because: string, so: string): Verdict<unknown> {
  const { problem: lostBecause } = problem({
    code: 'E_CONFLICT',
    what: `node ${node} is not emptied`,
    because,
    so,
    try: ['kennel node maintenance ls', `kennel events --node ${node} --last 10`],
  });
  return { kind: 'lost', problem: lostBecause };
}
