import type { ClusterState } from '../cluster-state.ts';
import { disarmedText } from '../decide/arming.ts';
import { releaseCommand } from '../decide/governor.ts';
import { lacksThirdView } from '../guard/two-nodes.ts';
import type { Finding } from './findings.ts';

/** What keeps the cluster as a whole from fencing by itself. */
export function guardFindings(state: ClusterState): readonly Finding[] {
  const findings: Finding[] = [];
  const { disarmed } = state.arming;
  if (disarmed !== null) {
    const by = disarmed.by === null ? '' : ` by ${disarmed.by}`;
    const why = disarmed.reason === null ? '' : `: ${disarmed.reason}`;
    findings.push({
      code: 'DISARMED',
      severity: 'warning',
      subject: '',
      text: `${disarmedText(disarmed)}; since ${disarmed.since}${by}${why}`,
      try: ['kennel arm'],
    });
  }
  const { hold } = state.governor;
  if (hold !== null) {
    findings.push({
      code: 'GOVERNOR_HOLDS',
      severity: 'critical',
      subject: '',
      text: `${hold.incident}: ${hold.because} (${hold.nodes.join(' ')})`,
      try: [releaseCommand, 'kennel governor show'],
    });
  }
  if (lacksThirdView([...state.nodes.values()], [...state.managers.values()])) {
    findings.push({
      code: 'TWO_NODE_NO_WITNESS',
      severity: 'warning',
      subject: '',
      text: 'nobody sees both nodes from a third machine: a silent one is not fenced by itself',
      try: [
        'run a manager on a third machine: kennel manager token, kennel manager join',
        'kennel node fence NODE --override --reason "...", each time',
      ],
    });
  }
  return findings;
}
