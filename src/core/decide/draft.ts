import { keyOf, type ClusterObject, type ClusterState, type Counters } from '../cluster-state.ts';
import type { FailoverRecord } from '../model/failover.ts';
import type { FenceOperation } from '../model/fence-operation.ts';
import type { FailoverId, FenceId, ManagerId, NodeId, VmId } from '../model/ids.ts';
import type { AlertRecord } from '../model/alert.ts';
import type { ArmingRecord } from '../model/arming.ts';
import type { GovernorRecord } from '../model/governor.ts';
import type { ManagerRecord, Roster } from '../model/manager.ts';
import type { MembershipRecord } from '../model/membership.ts';
import type { PlacementRule, RuleId } from '../model/placement-rule.ts';
import type { NodeRecord } from '../model/node.ts';
import type { ClusterSettings } from '../model/settings.ts';
import type { VmRecord } from '../model/vm.ts';
import type { Observations } from '../observations.ts';
import type { Change, NewEvent, Plan } from '../plan.ts';
import { fullAt, type Weight, weightOf, weightOfEvent, weightOfRemoval } from './weight.ts';

/**
 * One decision in the making: the committed state, the observations, and the changes chosen so
 * far laid over the state, so that later rules see what earlier ones chose.
 */
export interface Draft {
  readonly state: ClusterState;
  readonly observations: Observations;
  manager(id: ManagerId): ManagerRecord | undefined;
  node(id: NodeId): NodeRecord | undefined;
  vm(id: VmId): VmRecord | undefined;
  rule(id: RuleId): PlacementRule | undefined;
  fence(id: FenceId): FenceOperation | undefined;
  failover(id: FailoverId): FailoverRecord | undefined;
  settings(): ClusterSettings;
  counters(): Counters;
  roster(): Roster;
  governor(): GovernorRecord;
  arming(): ArmingRecord;
  membership(): MembershipRecord;
  alert(id: string): AlertRecord | undefined;
  alerts(): readonly AlertRecord[];
  managers(): readonly ManagerRecord[];
  nodes(): readonly NodeRecord[];
  vms(): readonly VmRecord[];
  rules(): readonly PlacementRule[];
  fences(): readonly FenceOperation[];
  put(object: ClusterObject): void;
  remove(object: ClusterObject): void;
  event(event: NewEvent): void;
  /** Ask to be called again no later than this monotonic time. */
  wakeAt(atMs: number): void;
  /**
   * As much is chosen as one transaction should hold: what is left is for the next decision, right
   * after this one is committed. Rules ask before each step that must be committed as a whole.
   */
  isFull(): boolean;
  /** Nothing is chosen yet: a step of any size has the transaction to itself. */
  isEmpty(): boolean;
  /** True when this decision changes the object: nothing may be sent on its strength yet. */
  isChanged(object: ClusterObject): boolean;
  finish(rest: Pick<Plan, 'commands' | 'fences'> & Partial<Pick<Plan, 'departures'>>): Plan;
}

export function openDraft(state: ClusterState, observations: Observations): Draft {
  const overlay = new Map<string, ClusterObject | null>();
  const weights = new Map<string, Weight>();
  let parts = 0;
  let characters = 0;
  const events: NewEvent[] = [];
  let wakeAtMs: number | null = null;

  const laid = <T extends ClusterObject>(key: string, base: T | undefined): T | undefined => {
    const over = overlay.get(key);
    if (over === undefined) return base;
    return over === null ? undefined : (over as T);
  };
  /** Most decisions change nothing: no key is made then. */
  const found = <T extends ClusterObject>(
    prefix: string,
    base: ReadonlyMap<string, T>,
    id: string,
  ): T | undefined => (overlay.size === 0 ? base.get(id) : laid(`${prefix}${id}`, base.get(id)));
  /** Lists as they are while nothing is chosen, by prefix: most rules of most decisions see these. */
  const committed = new Map<string, readonly ClusterObject[]>();
  const all = <T extends ClusterObject>(
    base: ReadonlyMap<string, T>,
    prefix: string,
  ): readonly T[] => {
    if (overlay.size === 0) {
      const known = committed.get(prefix);
      if (known !== undefined) return known as readonly T[];
      const list = [...base.values()];
      committed.set(prefix, list);
      return list;
    }
    const result: T[] = [];
    for (const object of base.values()) {
      const now = laid(keyOf(object), object);
      if (now !== undefined) result.push(now);
    }
    for (const [key, object] of overlay) {
      const id = key.slice(prefix.length);
      if (object !== null && key.startsWith(prefix) && !base.has(id)) result.push(object as T);
    }
    return result;
  };

  const weigh = (key: string, weight: Weight): void => {
    const before = weights.get(key);
    parts += weight.parts - (before?.parts ?? 0);
    characters += weight.characters - (before?.characters ?? 0);
    weights.set(key, weight);
  };

  return {
    state,
    observations,
    manager: (id) => found('manager/', state.managers, id),
    node: (id) => found('node/', state.nodes, id),
    vm: (id) => found('vm/', state.vms, id),
    rule: (id) => found('rule/', state.rules, id),
    fence: (id) => found('fence/', state.fences, id),
    failover: (id) => found('failover/', state.failovers, id),
    settings: () => laid('settings', state.settings) ?? state.settings,
    counters: () => laid('counters', state.counters) ?? state.counters,
    roster: () => laid('roster', state.roster) ?? state.roster,
    governor: () => laid('governor', state.governor) ?? state.governor,
    arming: () => laid('arming', state.arming) ?? state.arming,
    membership: () => laid('membership', state.membership) ?? state.membership,
    alert: (id) => found('alert/', state.alerts, id),
    alerts: () => all(state.alerts, 'alert/'),
    managers: () => all(state.managers, 'manager/'),
    nodes: () => all(state.nodes, 'node/'),
    vms: () => all(state.vms, 'vm/'),
    rules: () => all(state.rules, 'rule/'),
    fences: () => all(state.fences, 'fence/'),
    put: (object) => {
      overlay.set(keyOf(object), object);
      weigh(keyOf(object), weightOf(object));
    },
    remove: (object) => {
      overlay.set(keyOf(object), null);
      weigh(keyOf(object), weightOfRemoval);
    },
    event: (event) => {
      events.push(event);
      parts += weightOfEvent.parts;
      characters += weightOfEvent.characters;
    },
    wakeAt: (atMs) => {
      wakeAtMs = wakeAtMs === null ? atMs : Math.min(wakeAtMs, atMs);
    },
    isEmpty: () => overlay.size === 0 && events.length === 0,
    isFull: () => parts >= fullAt.parts || characters >= fullAt.characters,
    isChanged: (object) => overlay.size > 0 && overlay.has(keyOf(object)),
    finish: (rest) => ({ departures: [], ...rest, changes: changesOf(overlay), events, wakeAtMs }),
  };
}

function changesOf(overlay: ReadonlyMap<string, ClusterObject | null>): readonly Change[] {
  return [...overlay].map(([key, object]) =>
    object === null ? { kind: 'delete', key } : { kind: 'put', object },
  );
}
