import { namePattern } from '../core/model/ids.ts';
import type { Cursor } from './cursor.ts';
import type { SiteMaps } from './site-maps.ts';
import type { VmFile } from './vm-file.ts';

/** A VM of the files, by which anti-affinity finds the others. */
export interface Labelled {
  readonly name: string;
  readonly namespace: string;
  readonly labels: ReadonlyMap<string, string>;
}

const hostName = 'kubernetes.io/hostname';
/** Labels of every node that can run a VM of Kennel. */
const always: Readonly<Record<string, string>> = {
  'kubernetes.io/arch': 'amd64',
  'beta.kubernetes.io/arch': 'amd64',
  'kubernetes.io/os': 'linux',
  'beta.kubernetes.io/os': 'linux',
  'kubevirt.io/schedulable': 'true',
};
const required = 'requiredDuringSchedulingIgnoredDuringExecution';

/** Nodes that it may run on; null = all. */
export function nodesOf(
  spec: Cursor,
  { maps, instancetype }: { readonly maps: SiteMaps; readonly instancetype: Cursor },
): readonly string[] | null {
  const selectors = [
    ...spec.at('nodeSelector').entries(),
    ...instancetype.at('nodeSelector').entries(),
  ];
  const sets = selectors.map(([label, at]) => nodesWith(label, at, maps));
  const terms = spec.at('affinity', 'nodeAffinity', required, 'nodeSelectorTerms');
  const termSets = terms.items().map((term) => nodesOfTerm(term, maps));
  if (termSets.length > 0) sets.push(termSets.some((one) => one === null) ? null : union(termSets));
  const bounds = sets.filter((one) => one !== null);
  const [first, ...rest] = bounds;
  if (first === undefined) return null;
  const nodes = rest.reduce((left, next) => left.filter((name) => next.includes(name)), first);
  if (nodes.length > 0) return [...new Set(nodes)];
  const at = spec.at('nodeSelector').exists ? spec.at('nodeSelector') : terms;
  at.refuse('leaves no node', { isFinal: true });
  return null;
}

/** Nodes with a label. Null: all of them, or it is refused. */
function nodesWith(label: string, at: Cursor, maps: SiteMaps): readonly string[] | null {
  const value = at.text() ?? '';
  if (always[label] === value) return null;
  const nodes = maps.node.get(`${label}=${value}`);
  if (nodes !== undefined) return nodes;
  const isHost = label === hostName;
  if (isHost && namePattern.test(value)) return [value];
  at.refuse(isHost ? 'is no name of a node here' : 'nobody has said which nodes these are', {
    try: `--node-map ${label}=${value}=NODE,NODE`,
  });
  return null;
}

/** All expressions of a term hold; values of one are alternatives. */
function nodesOfTerm(term: Cursor, maps: SiteMaps): readonly string[] | null {
  const sets = term
    .at('matchExpressions')
    .items()
    .map((expression) => {
      const key = expression.at('key').text() ?? '';
      const operatorAt = expression.at('operator');
      const operator = operatorAt.text();
      if (operator !== 'In') {
        expression.refuse('only `In` can be said by names of nodes');
        return null;
      }
      const values = expression.at('values').items();
      const each = values.map((value) => nodesWith(key, value, maps));
      return each.some((one) => one === null) ? null : union(each);
    });
  const bounds = sets.filter((one) => one !== null);
  const [first, ...rest] = bounds;
  if (first === undefined) return null;
  return rest.reduce((left, next) => left.filter((name) => next.includes(name)), first);
}

function union(sets: readonly (readonly string[] | null)[]): readonly string[] {
  return [...new Set(sets.flatMap((one) => one ?? []))];
}

/** VMs of the files that must not share a node with it. */
export function separateFromOf(
  spec: Cursor,
  self: Labelled,
  all: readonly Labelled[],
): readonly string[] {
  const terms = spec.at('affinity', 'podAntiAffinity', required).items();
  return [...new Set(terms.flatMap((term) => namesOf(term, self, all)))];
}

function namesOf(term: Cursor, self: Labelled, all: readonly Labelled[]): readonly string[] {
  const topology = term.at('topologyKey').text();
  const wanted = term.at('labelSelector', 'matchLabels').entries();
  const pairs = wanted.map(([key, at]) => [key, at.text()] as const);
  if (topology !== hostName) {
    term.refuse('has another topologyKey than host names; kennel rule add --spread takes labels');
    return [];
  }
  if (pairs.length === 0) {
    term.refuse('names no labels');
    return [];
  }
  const others = all
    .filter((one) => one.name !== self.name && one.namespace === self.namespace)
    .filter((one) => pairs.every(([key, value]) => one.labels.get(key) === value))
    .map((one) => one.name);
  if (others.length === 0) {
    term.lose('note', 'no other VM of these files has the labels; kennel rule add --apart');
  }
  return others;
}

/** Order in which VMs are recovered; null = nothing is said. */
export function priorityOf(spec: Cursor, maps: SiteMaps): NonNullable<VmFile['priority']> | null {
  const at = spec.at('priorityClassName');
  const name = at.text();
  if (name === null) return null;
  const mapped = maps.priority.get(name);
  if (mapped !== undefined) return mapped;
  if (name === 'system-cluster-critical' || name === 'system-node-critical') return 'high';
  at.lose('weaker', 'nobody has said what it is here (--priority-map): medium');
  return null;
}
