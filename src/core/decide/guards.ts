import type { FenceOperation } from '../model/fence-operation.ts';
import { allowedOf } from '../guard/budget.ts';
import { lacksThirdView } from '../guard/two-nodes.ts';
import { isLost, isSuspect, lostAtMs } from '../timing/silence.ts';
import { disarmedNow, disarmedText } from './arming.ts';
import { isSetAside } from './downtime.ts';
import type { Draft } from './draft.ts';
import { releaseCommand, shotInWindow } from './governor.ts';
import { incidentOf } from './incident.ts';
import { isAutomatic } from './open-fence.ts';
import { peersOn } from './witnesses.ts';

/** A guard that forbids device commands now, and what a person can do about it. */
export interface Blocked {
  readonly guard:
    | 'disarmed'
    | 'noDevice'
    | 'notSilent'
    | 'twoNodes'
    | 'isolated'
    | 'channels'
    | 'storm'
    /** Too many at once, of which not all may be lost for long enough yet. */
    | 'atOnce'
    | 'governor';
  readonly because: string;
  readonly try: string;
}

type Guard = (draft: Draft, fence: FenceOperation) => Blocked | null;

/**
 * Whether device commands may be sent for an operation (DESIGN §5, guards). Readings need no
 * leave: a node that is off already, or back with another boot id, is proven without any command.
 * Leadership and the manager's own stalls are judged elsewhere: by the guarded write that records
 * `acting`, and by the silence clock.
 */
export function guardAgainst(draft: Draft, fence: FenceOperation): Blocked | null {
  const node = draft.node(fence.node);
  if (node === undefined) return null;
  if (node.fenceTopology.length === 0) {
    return {
      guard: 'noDevice',
      because: `${node.id} has no fence device`,
      try: `kennel node confirm-off ${node.id} --reason "..."`,
    };
  }
  if (!isAutomatic(fence)) return null;
  for (const guard of guards) {
    const blocked = guard(draft, fence);
    if (blocked !== null) return blocked;
  }
  return null;
}

/**
 * The same of a proof by time alone: it harms nobody, but VMs of many nodes that come back together are
 * better off where they were (FAILURES W7).
 */
export function stormGuardAgainst(draft: Draft, fence: FenceOperation): Blocked | null {
  if (!isAutomatic(fence)) return null;
  return governor(draft, fence) ?? storm(draft, fence);
}

const overrideOf = (fence: FenceOperation): string =>
  `kennel node fence ${fence.node} --override --reason "..."`;

/** Whatever of it is heard: a new leader may inherit an intent against a node that lives. */
const notSilent: Guard = (draft, fence) => {
  const { timing } = draft.state.settings;
  const seen = draft.observations.nodes.get(fence.node);
  if (isLost(seen, draft.observations, timing)) return null;
  draft.wakeAt(lostAtMs(seen, draft.observations, timing));
  return {
    guard: 'notSilent',
    because:
      seen?.lastHeartbeatMs == null
        ? `this manager has not listened for ${fence.node} long enough`
        : `${fence.node} has been heard again`,
    try: `kennel node show ${fence.node}`,
  };
};

const twoNodes: Guard = (draft, fence) =>
  lacksThirdView(draft.nodes(), draft.managers())
    ? {
        guard: 'twoNodes',
        because:
          'there are two nodes and no manager on a third machine: a cut between them looks like the death of the other',
        try: overrideOf(fence),
      }
    : null;

/** The leader's look at itself: it hears few of all nodes and few of the other managers. */
const isolated: Guard = (draft, fence) => {
  const { others, heard } = draft.observations.managers;
  if (others === 0 || heard * 2 >= others) return null;
  const { timing } = draft.state.settings;
  const all = draft.nodes().filter((node) => node.incarnation !== null && !isSetAside(node));
  const silent = all.filter((node) =>
    isSuspect(draft.observations.nodes.get(node.id), draft.observations, timing),
  );
  if (silent.length * 2 < all.length) return null;
  return {
    guard: 'isolated',
    because: `this manager hears ${all.length - silent.length} of ${all.length} nodes and ${heard} of ${others} other managers: it is the isolated side`,
    try: overrideOf(fence),
  };
};

/** A second channel must be lost too, where there is one (FAILURES W1, W4, W14). */
const channels: Guard = (draft, fence) => {
  const peers = peersOn(draft, fence);
  if (peers.kind !== 'alive') return null;
  return {
    guard: 'channels',
    because: `only the session with ${fence.node} is lost: ${peers.by} had an answer of it ${Math.round(peers.ageMs)} ms ago; awaited: silence to its peers too`,
    try: overrideOf(fence),
  };
};

const storm: Guard = (draft, fence) => {
  if (draft.governor().released.includes(fence.node)) return null;
  const { settings } = draft.state;
  const { lost, total } = incidentOf(draft);
  const most = lost.length > 1 && lost.length / total > settings.maxLostShare;
  if (!most && lost.length <= allowedOf(settings.guards.atOnce, total)) return null;
  return {
    guard: most ? 'storm' : 'atOnce',
    because: most
      ? `${lost.length} of ${total} nodes are lost at once: this manager may be the isolated side`
      : `${lost.length} of ${total} nodes are lost at once`,
    try: overrideOf(fence),
  };
};

const governor: Guard = (draft, fence) => {
  const { hold, released } = draft.governor();
  if (released.includes(fence.node)) return null;
  if (hold !== null) {
    return {
      guard: 'governor',
      because: `the storm governor holds ${hold.incident}: ${hold.because}`,
      try: releaseCommand,
    };
  }
  const shot = shotInWindow(draft);
  if (
    shot.has(fence.node) ||
    shot.size < allowedOf(draft.state.settings.guards.perWindow, draft.nodes().length)
  ) {
    return null;
  }
  return {
    guard: 'governor',
    because: `${shot.size} nodes were powered off within the window already`,
    try: overrideOf(fence),
  };
};

const disarmed: Guard = (draft) => {
  const now = disarmedNow(draft);
  return now === null ? null : { guard: 'disarmed', because: disarmedText(now), try: 'kennel arm' };
};

const guards: readonly Guard[] = [
  disarmed,
  notSilent,
  twoNodes,
  isolated,
  channels,
  governor,
  storm,
];
