import { release } from '../decide/quarantine.ts';
import type { Draft } from '../decide/draft.ts';
import type { NodeRecord } from '../model/node.ts';
import { ok, problem, type Outcome } from '../problem.ts';

/** A person lets a quarantined node take VMs again; what was counted against it is forgotten. */
export function unquarantine(draft: Draft, node: NodeRecord): Outcome<NodeRecord> {
  if (node.phase === 'quarantined') return ok(release(draft, node, 'as asked'));
  return problem({
    code: 'E_CONFLICT',
    what: `${node.id} is not taken out of quarantine`,
    because: `it is ${node.phase}`,
    so: 'nothing was changed',
    try: [`kennel explain ${node.id}`],
  });
}

/** Most labels that a node may have. */
const maxLabels = 64;

/** Sets labels, or takes those away that are null. Placement and the governor group nodes by them. */
export function labelNode(
  draft: Draft,
  node: NodeRecord,
  changes: Readonly<Record<string, string | null>>,
): Outcome<NodeRecord> {
  const labels: Record<string, string> = { ...node.labels };
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) delete labels[key];
    else labels[key] = value;
  }
  if (Object.keys(labels).length > maxLabels) {
    return problem({
      code: 'E_SPEC_INVALID',
      what: `${node.id} is not labelled`,
      because: `it would have ${Object.keys(labels).length} labels, ${maxLabels} are the most`,
      so: 'nothing was changed',
      try: [`kennel node label ${node.id} KEY-, which takes one away`],
    });
  }
  const next = { ...node, labels };
  draft.put(next);
  draft.event({
    code: 'NODE_LABELLED',
    severity: 'info',
    node: node.id,
    vm: null,
    text: `the labels of ${node.id} are ${textOf(labels)}`,
  });
  return ok(next);
}

function textOf(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return parts.length === 0 ? 'none' : parts.join(' ');
}
