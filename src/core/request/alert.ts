import type { AlertRecord } from '../model/alert.ts';
import { ok, problem, type Outcome } from '../problem.ts';
import type { Draft } from '../decide/draft.ts';

/** More would make each event many calls. */
const maxAlerts = 32;

/** Tells somebody from now on; the same name again changes where and of what, and goes on. */
export function addAlert(draft: Draft, alert: AlertRecord): Outcome<AlertRecord> {
  const known = draft.alert(alert.id);
  if (known === undefined && draft.alerts().length >= maxAlerts) {
    return problem({
      code: 'E_CONFLICT',
      what: `the alert ${alert.id} is not added`,
      because: `there are ${maxAlerts} already`,
      so: 'nothing was changed',
      try: ['kennel alert ls', 'kennel alert rm NAME'],
    });
  }
  const next: AlertRecord =
    known === undefined ? alert : { ...alert, cursor: known.cursor, lost: known.lost };
  draft.put(next);
  draft.event({
    code: 'ALERT_ADDED',
    severity: 'info',
    node: null,
    vm: null,
    text: `${next.id} is told by ${next.target.kind}`,
  });
  return ok(next);
}

export function removeAlert(draft: Draft, id: string): Outcome<AlertRecord> {
  const known = draft.alert(id);
  if (known === undefined) return problem(unknownAlert(id));
  draft.remove(known);
  draft.event({
    code: 'ALERT_REMOVED',
    severity: 'info',
    node: null,
    vm: null,
    text: `${id} is told no more`,
  });
  return ok(known);
}

export function unknownAlert(id: string): Parameters<typeof problem>[0] {
  return {
    code: 'E_NOT_FOUND',
    what: `there is no alert ${id}`,
    because: 'no such name is recorded',
    so: 'nothing was done',
    try: ['kennel alert ls'],
  };
}
