import type { Caller } from '../../api/cluster-service.ts';
import type { MaintenanceService } from '../../api/maintenance-service.ts';
import type { MaintainNode, MaintenanceView } from '../../api/schema/maintenance.ts';
import { isHeard } from '../../core/decide/nodes.ts';
import { openDraft, type Draft } from '../../core/decide/draft.ts';
import { evacuationProgress } from '../../core/explain/evacuation.ts';
import type { NodeRecord } from '../../core/model/node.ts';
import { ok, type Outcome } from '../../core/problem.ts';
import {
  cordon,
  evacuate,
  exitMaintenance,
  goDown,
  uncordon,
  type EvacuationWish,
} from '../../core/request/evacuation.ts';
import { isoAfter } from '../../env/iso-time.ts';
import { asked } from './asked.ts';
import type { Sights } from './sights.ts';
import { withNode } from './with-node.ts';

/** What people ask about maintenance. */
export class MaintenanceOf implements MaintenanceService {
  readonly #sights: Sights;

  constructor(sights: Sights) {
    this.#sights = sights;
  }

  async ls(): Promise<Outcome<readonly MaintenanceView[]>> {
    return this.#sights.look(({ mirror, observations }) => {
      const draft = openDraft(mirror, observations);
      const views = draft.nodes().map((node) => viewOf(draft, node));
      return ok(views.filter(hasAnythingToSay).sort((a, b) => (a.node < b.node ? -1 : 1)));
    });
  }

  change(node: string, body: MaintainNode, caller: Caller): Promise<Outcome<MaintenanceView>> {
    return this.#sights.lead((leader) => {
      const how = asked(caller);
      // Seen in the draft in which it was changed: a dry run shows what would be.
      return leader.mutate(
        (draft) =>
          withNode(draft, node, (record) => {
            const changed = carryOut(draft, record, body, how.asked);
            return changed.kind === 'problem' ? changed : ok(viewOf(draft, changed.value));
          }),
        how,
      );
    });
  }
}

function carryOut(
  draft: Draft,
  node: NodeRecord,
  body: MaintainNode,
  asks: Pick<EvacuationWish, 'by' | 'reason'>,
): Outcome<NodeRecord> {
  switch (body.want) {
    case 'cordon':
      return cordon(draft, node);
    case 'uncordon':
      return uncordon(draft, node);
    case 'drain':
    case 'maintenance':
      return evacuate(draft, node, body.want, wishOf(draft, body, asks));
    case 'exit':
      return exitMaintenance(draft, node);
    case 'reboot':
    case 'shutdown':
      return goDown(draft, node, body.want, {
        ...wishOf(draft, body, asks),
        policy: body.policy,
      });
    default:
      return body satisfies never;
  }
}

type Evacuates = Extract<MaintainNode, { stuck: unknown }>;

function wishOf(
  draft: Draft,
  { stuck, deadlineMs, force }: Evacuates,
  { by, reason }: Pick<EvacuationWish, 'by' | 'reason'>,
): EvacuationWish {
  return {
    stuck: stuck === 'restart' ? 'restart' : 'leave',
    allOrNothing: stuck === 'refuse',
    deadline: deadlineMs === null ? null : isoAfter(draft.observations.nowWall, deadlineMs),
    force,
    by,
    reason,
  };
}

function viewOf(draft: Draft, node: NodeRecord): MaintenanceView {
  const { state, steps, estimateMs, returning } = evacuationProgress(draft, node);
  const { id, cordoned, evacuation, downtime } = node;
  return {
    node: id,
    cordoned,
    isHeard: isHeard(draft, draft.observations.nodes.get(id)),
    evacuation: evacuation ?? null,
    downtime: downtime ?? null,
    state,
    steps: steps.map((step) => ({ ...step })),
    estimateMs,
    returning: returning.map((one) => ({ ...one })),
  };
}

function hasAnythingToSay(view: MaintenanceView): boolean {
  const { cordoned, evacuation, downtime, returning } = view;
  return cordoned || evacuation !== null || downtime !== null || returning.length > 0;
}
