import { ruleSchema, type NewRule, type RuleView } from '../../api/schema/placement.ts';
import { ruleConflicts } from '../../core/placement/rule-conflicts.ts';
import { planEnforcement } from '../../core/placement/enforce.ts';
import { KennelError } from '../../errors/kennel-error.ts';
import { valueOf, withClient } from '../action.ts';
import type { Change } from '../change-options.ts';
import { runChange } from '../change.ts';
import type { Call } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import { snapshotOfView } from '../plan/site-file.ts';
import { renderColumns, renderFields } from '../render/columns.ts';
import { usageError } from '../usage.ts';

interface AddOptions extends Change {
  readonly vms: string;
  readonly nodes: string | null;
  readonly together: boolean;
  readonly apart: boolean;
  readonly spread: string | null;
  readonly preferred: boolean;
  readonly noFailback: boolean;
}

export async function addRule(call: Call, id: string, options: AddOptions): Promise<number> {
  const rule = ruleOf(id, options);
  return runChange(call, options, {
    question: null,
    apply: (client, how) => client.addRule(rule, how),
    describe: (view, isDryRun) =>
      `rule ${view.id}: ${isDryRun ? 'would be added' : 'added'} (${describeRule(view)})`,
    goal: null,
  });
}

function ruleOf(id: string, options: AddOptions): NewRule {
  const kinds = [options.nodes !== null, options.together, options.apart, options.spread !== null];
  if (kinds.filter(Boolean).length !== 1) {
    throw usageError({
      what: 'it is not clear what the rule says',
      because: 'give one of --nodes, --together, --apart and --spread',
      try: ['kennel rule add --help'],
    });
  }
  const base = { id, vms: names(options.vms), strict: !options.preferred };
  const parsed = ruleSchema.safeParse(
    options.nodes !== null
      ? { ...base, type: 'nodes', nodes: priorities(options.nodes), failback: !options.noFailback }
      : options.spread !== null
        ? { ...base, type: 'spread', label: options.spread }
        : { ...base, type: options.together ? 'together' : 'apart' },
  );
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw usageError({
    what: 'the rule is not of the documented form',
    because: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    try: ['kennel rule add --help'],
  });
}

function names(list: string): string[] {
  return list.split(',').filter((name) => name !== '');
}

/** `node-1:2,node-2`: a node without a number has priority 0. */
function priorities(list: string): Record<string, number> {
  return Object.fromEntries(
    names(list).map((one) => {
      const [node = '', priority = '0'] = one.split(':');
      return [node, Number(priority)];
    }),
  );
}

export function describeRule(rule: RuleView): string {
  const strict = rule.strict ? '' : 'preferably ';
  switch (rule.type) {
    case 'nodes': {
      const nodes = Object.entries(rule.nodes);
      const ranked = new Set(nodes.map(([, priority]) => priority)).size > 1;
      const list = nodes.map(([node, priority]) => (ranked ? `${node}:${priority}` : node));
      return `${strict}on ${list.join(', ')}${!rule.failback ? ', no failback' : ''}`;
    }
    case 'spread':
      return `${strict}spread over ${rule.label}`;
    default:
      return `${strict}${rule.type}`;
  }
}

export async function listRules(call: Call): Promise<number> {
  return withClient(call, async (client) => {
    const rules = valueOf(await client.rules());
    await print(call, rules, ({ columns }) => {
      if (rules.length === 0) return 'no rules';
      const rows = rules.map((rule) => [
        { text: rule.id },
        { text: describeRule(rule) },
        { text: rule.vms.join(', ') },
      ]);
      return renderColumns(['RULE', 'SAYS', 'VMS'], rows, columns).join('\n');
    });
    return exitCodes.done;
  });
}

export async function showRule(call: Call, id: string): Promise<number> {
  return withClient(call, async (client) => {
    const rule = valueOf(await client.rules()).find((one) => one.id === id);
    if (rule === undefined) {
      throw new KennelError({
        code: 'E_NOT_FOUND',
        what: `there is no rule ${id}`,
        because: 'its name is not known here',
        so: 'nothing can be shown',
        try: ['kennel rule ls'],
      });
    }
    const site = valueOf(await client.placement());
    const nodeOf = new Map(site.vms.map((vm) => [vm.spec.name, vm.node ?? 'not placed']));
    await print(call, rule, ({ columns }) =>
      renderFields(
        [
          ['rule', rule.id],
          ['says', describeRule(rule)],
          ...rule.vms.map((vm) => ['vm', `${vm} (${nodeOf.get(vm) ?? 'not there'})`] as const),
        ],
        columns,
      ).join('\n'),
    );
    return exitCodes.done;
  });
}

export async function removeRule(call: Call, id: string, options: Change): Promise<number> {
  return runChange(call, options, {
    question: null,
    apply: (client, how) => client.removeRule(id, how),
    describe: (view, isDryRun) => `rule ${view.id}: ${isDryRun ? 'would be removed' : 'removed'}`,
    goal: null,
  });
}

export async function checkRules(call: Call): Promise<number> {
  return withClient(call, async (client) => {
    const site = snapshotOfView(valueOf(await client.placement()));
    const nodes = site.nodes.map((node) => node.id);
    const conflicts = ruleConflicts(site.rules, nodes);
    const { moves, stuck } = planEnforcement(site);
    const misplaced = [
      ...moves.map(({ vm, from, to, because }) => ({
        vm: vm.spec.name,
        node: from,
        because,
        better: to as string | null,
      })),
      ...stuck.map(({ vm, because }) => ({
        vm: vm.spec.name,
        node: vm.node,
        because,
        better: null,
      })),
    ];
    await print(call, { conflicts, misplaced }, () => {
      const lines = [
        ...conflicts.map((one) => `${one.rules.join(', ')}: ${one.because}`),
        ...misplaced.map(
          (one) =>
            `${one.vm} on ${one.node ?? 'no node'}: ${one.because}${one.better === null ? '' : `; ${one.better} is better`}`,
        ),
      ];
      return lines.length === 0 ? 'all rules hold' : lines.join('\n');
    });
    return conflicts.length + misplaced.length === 0 ? exitCodes.done : exitCodes.failed;
  });
}
