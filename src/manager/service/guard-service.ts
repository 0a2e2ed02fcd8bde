import type {
  ChangeSettings,
  FailoverExport,
  GovernorView,
  LabelNode,
  SettingView,
} from '../../api/schema/guards.ts';
import type { NodeView } from '../../api/schema/views.ts';
import type { Caller } from '../../api/cluster-service.ts';
import { openDraft, type Draft } from '../../core/decide/draft.ts';
import { shotInWindow } from '../../core/decide/governor.ts';
import { allowedOf } from '../../core/guard/budget.ts';
import { nodeId } from '../../core/model/ids.ts';
import type { NodeRecord } from '../../core/model/node.ts';
import type { ClusterSettings } from '../../core/model/settings.ts';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import { releaseGovernor } from '../../core/request/governor.ts';
import { labelNode, unquarantine } from '../../core/request/node-marks.ts';
import { changeSettings, settingList } from '../../core/request/settings.ts';
import type { Store } from '../../store/store.ts';
import { keys } from '../keys.ts';
import type { Leader } from '../leader.ts';
import { unknownNode } from '../problems.ts';
import { asked } from './asked.ts';
import { nodeView, type Sight } from './views.ts';

type See = () => Sight;

/** What people ask about guards, and about the records of what they let pass. */
export class GuardsOf {
  readonly #store: Pick<Store, 'get'>;
  readonly #clusterId: string;

  constructor(options: { readonly store: Pick<Store, 'get'>; readonly clusterId: string }) {
    this.#store = options.store;
    this.#clusterId = options.clusterId;
  }

  label(
    leader: Leader,
    sight: See,
    asks: { readonly node: string; readonly body: LabelNode; readonly caller: Caller },
  ): Promise<Outcome<NodeView>> {
    return changeNode(leader, sight, {
      ...asks,
      change: (draft, node) => labelNode(draft, node, asks.body.labels),
    });
  }

  unquarantine(
    leader: Leader,
    sight: See,
    asks: { readonly node: string; readonly caller: Caller },
  ): Promise<Outcome<NodeView>> {
    return changeNode(leader, sight, { ...asks, change: unquarantine });
  }

  governor({ mirror, observations }: Sight): GovernorView {
    const draft = openDraft(mirror, observations);
    const { hold, released } = mirror.governor;
    const { guards } = mirror.settings;
    const nodes = mirror.nodes.size;
    return {
      hold: hold === null ? null : { ...hold, nodes: [...hold.nodes] },
      released: [...released],
      shot: [...shotInWindow(draft)].sort(),
      allowedAtOnce: allowedOf(guards.atOnce, nodes),
      allowedPerWindow: allowedOf(guards.perWindow, nodes),
    };
  }

  async release(leader: Leader, sight: See, caller: Caller): Promise<Outcome<GovernorView>> {
    const released = await leader.mutate((draft) => releaseGovernor(draft), asked(caller));
    return released.kind === 'problem' ? released : ok(this.governor(sight()));
  }

  settings({ mirror }: Sight): readonly SettingView[] {
    return settingViews(mirror.settings);
  }

  async changeSettings(
    leader: Leader,
    body: ChangeSettings,
    caller: Caller,
  ): Promise<Outcome<readonly SettingView[]>> {
    const changed = await leader.mutate(
      (draft) => changeSettings(draft, body.settings),
      asked(caller),
    );
    return changed.kind === 'problem' ? changed : ok(settingViews(changed.value));
  }

  /** Sealed records and the operations that they rest on, oldest first. */
  async export({ mirror }: Sight): Promise<FailoverExport> {
    const { item } = await this.#store.get(keys.chain);
    return {
      format: 'kennel-failovers/1',
      clusterId: this.#clusterId,
      chain: item?.value ?? null,
      records: [...mirror.failovers.values()]
        .sort((a, b) => Number(a.id.slice(3)) - Number(b.id.slice(3)))
        .map((failover) => {
          const fence = mirror.fences.get(failover.fence);
          return { failover: { ...failover }, fence: fence === undefined ? null : { ...fence } };
        }),
    };
  }
}

async function changeNode(
  leader: Leader,
  sight: See,
  asks: {
    readonly node: string;
    readonly caller: Caller;
    change(draft: Draft, node: NodeRecord): Outcome<NodeRecord>;
  },
): Promise<Outcome<NodeView>> {
  const changed = await leader.mutate((draft) => {
    const node = draft.node(nodeId(asks.node));
    return node === undefined ? problem(unknownNode(asks.node)) : asks.change(draft, node);
  }, asked(asks.caller));
  return changed.kind === 'problem' ? changed : ok(nodeView(changed.value, sight()));
}

function settingViews(settings: ClusterSettings): readonly SettingView[] {
  return settingList.map((setting) => {
    const { key, unit, min, max, summary } = setting;
    const words = setting.words === undefined ? null : [...setting.words];
    return { key, value: setting.get(settings), unit, min, max, words, summary };
  });
}
