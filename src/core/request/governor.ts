import type { GovernorRecord } from '../model/governor.ts';
import { ok, problem, type Outcome } from '../problem.ts';
import type { Draft } from '../decide/draft.ts';

/** A person takes the incident on: its nodes may be powered off, without counting any more. */
export function releaseGovernor(draft: Draft): Outcome<GovernorRecord> {
  const governor = draft.governor();
  const { hold } = governor;
  if (hold === null) {
    return problem({
      code: 'E_CONFLICT',
      what: 'the storm governor is not released',
      because: 'it holds nothing',
      so: 'nothing was changed',
      try: ['kennel governor show', 'kennel status'],
    });
  }
  const next: GovernorRecord = {
    ...governor,
    hold: null,
    released: [...new Set([...governor.released, ...hold.nodes])].sort(),
  };
  draft.put(next);
  draft.event({
    code: 'GOVERNOR_RELEASED',
    severity: 'warning',
    node: null,
    vm: null,
    text: `${hold.incident} is released: ${hold.nodes.join(', ')} may be powered off`,
  });
  return ok(next);
}
