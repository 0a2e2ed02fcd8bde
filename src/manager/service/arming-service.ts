import type { Caller } from '../../api/cluster-service.ts';
import type { ArmingView, Disarm } from '../../api/schema/arming.ts';
import type { ArmingRecord } from '../../core/model/arming.ts';
import { ok, type Outcome } from '../../core/problem.ts';
import { arm, disarm } from '../../core/request/arming.ts';
import { isoAfter } from '../../env/iso-time.ts';
import type { Leader } from '../leader.ts';
import { asked } from './asked.ts';

export async function disarmCluster(
  leader: Leader,
  {
    body,
    caller,
    nowIso,
  }: { readonly body: Disarm; readonly caller: Caller; readonly nowIso: string },
): Promise<Outcome<ArmingView>> {
  const how = asked(caller);
  const { by, reason } = how.asked;
  const until = body.forMs === null ? null : isoAfter(nowIso, body.forMs);
  return viewOf(
    await leader.mutate(
      (draft) => disarm(draft, { mode: body.mode, since: nowIso, until, by, reason }),
      how,
    ),
  );
}

export async function armCluster(leader: Leader, caller: Caller): Promise<Outcome<ArmingView>> {
  return viewOf(await leader.mutate((draft) => arm(draft), asked(caller)));
}

function viewOf(changed: Outcome<ArmingRecord>): Outcome<ArmingView> {
  return changed.kind === 'problem' ? changed : ok({ disarmed: changed.value.disarmed });
}
