import type { ClusterState } from '../cluster-state.ts';
import { openDraft } from '../decide/draft.ts';
import { snapshotOf } from '../decide/site-of.ts';
import type { Observations } from '../observations.ts';
import { planEnforcement } from '../placement/enforce.ts';
import { siteOfSnapshot } from '../placement/snapshot.ts';
import type { Finding } from './findings.ts';

/** VMs that run where a strict rule forbids it, and load that is uneven where that is to be said. */
export function placementFindings(
  state: ClusterState,
  observations: Observations,
): readonly Finding[] {
  const { balance } = state.settings.placement;
  if (state.rules.size === 0 && balance.mode === 'off') return [];
  const snapshot = snapshotOf(openDraft(state, observations));
  const findings: Finding[] = [];
  const { moves, stuck } = planEnforcement(snapshot);
  for (const { vm, because, isStrict } of [
    ...moves,
    ...stuck.map((one) => ({ ...one, isStrict: true })),
  ]) {
    if (!isStrict) continue;
    const { name } = vm.spec;
    findings.push({
      code: 'RULE_BROKEN',
      severity: 'warning',
      subject: name,
      text: `runs on ${vm.node ?? 'no node'}: ${because}`,
      try: ['kennel rule check', `kennel vm stop ${name} and start it, to have it placed anew`],
    });
  }
  if (balance.mode === 'off') return findings;
  const imbalance = siteOfSnapshot(snapshot).load.imbalance();
  if (imbalance <= balance.threshold) return findings;
  findings.push({
    code: 'LOAD_UNEVEN',
    severity: 'warning',
    subject: '',
    text: `load is uneven: imbalance ${imbalance.toFixed(2)}, above ${balance.threshold}`,
    try: ['kennel plan balance'],
  });
  return findings;
}
