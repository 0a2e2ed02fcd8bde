/**
 * What an agent tells its node's petter: until when its VMs may run. Only the agent of a granted lease
 * makes one; peer hold does no more than move `deadlineMs`.
 */
export interface PetterToken {
  readonly bootId: string;
  readonly incarnation: string;
  /** End of the lease, or of the hold, on the boot-time clock, ms. From then on the VMs are killed. */
  readonly deadlineMs: number;
  /** G, ms. At `deadlineMs + graceMs` the device is petted no more, unless nothing is left. */
  readonly graceMs: number;
  /** UUIDs of every VM that runs here or may be started, registered before it is booted. */
  readonly vms: readonly string[];
  /** The agent's process: what it sent before it dies may still start something. */
  readonly agentPid: number;
}

/** One look at the node: what of a token's VMs, and of what could start one, is there. */
export interface Sighting {
  readonly begunMs: number;
  readonly alive: number;
}

/** What the petter knows. Times are those of the boot-time clock, ms. */
export interface PetterState {
  readonly bootId: string;
  /** Null: no VM of this boot rests on the watchdog, and the device is petted without conditions. */
  readonly token: PetterToken | null;
  /** The last look since the token's deadline. */
  readonly sighting: Sighting | null;
}

/**
 * - `idle`: no token. - `guarding`: its deadline is to come. - `killing`: it is over, and something is
 * left, or nobody looked. - `biting`: as before, and the grace is over too: no pet until nothing is
 * left, or the device fires. - `contained`: it is over and nothing is left.
 */
export type PetterPhase = 'idle' | 'guarding' | 'killing' | 'biting' | 'contained';

/** A look this old says nothing any more: something may have been started since. */
const lookLastsMs = 10_000;

export function openPetter(bootId: string, token: PetterToken | null): PetterState {
  return { bootId, token: token?.bootId === bootId ? token : null, sighting: null };
}

export function phaseOf({ token, sighting }: PetterState, nowMs: number): PetterPhase {
  if (token === null) return 'idle';
  if (nowMs < token.deadlineMs) return 'guarding';
  const isFresh = sighting !== null && sighting.begunMs >= token.deadlineMs;
  if (isFresh && sighting.alive === 0 && nowMs - sighting.begunMs < lookLastsMs) return 'contained';
  return nowMs < token.deadlineMs + token.graceMs ? 'killing' : 'biting';
}

/** Asked right before every write to the device, in the same turn. */
export function mayPet(state: PetterState, nowMs: number): boolean {
  return phaseOf(state, nowMs) !== 'biting';
}

/** A look is due: kill what it finds. Also when contained, lest something is started late. */
export function mustLook(state: PetterState, nowMs: number): boolean {
  const phase = phaseOf(state, nowMs);
  return phase === 'killing' || phase === 'biting' || phase === 'contained';
}

export function sighted(state: PetterState, sighting: Sighting): PetterState {
  return { ...state, sighting };
}

/**
 * A token is taken while the one before runs, and after it once nothing is left: a kill that has begun
 * is not called off. The same incarnation never shortens its own deadline; another one starts anew.
 */
export function takeToken(
  state: PetterState,
  token: PetterToken,
  nowMs: number,
):
  | { readonly kind: 'taken'; readonly state: PetterState }
  | { readonly kind: 'refused'; readonly because: string } {
  if (token.bootId !== state.bootId) return refused('it is of another boot');
  const phase = phaseOf(state, nowMs);
  if (phase === 'killing' || phase === 'biting') return refused('the VMs are being killed');
  if (token.deadlineMs <= nowMs) return refused('its deadline is over');
  const before = state.token;
  if (phase === 'contained' && token.incarnation === before?.incarnation) {
    return refused('this agent was to die with its VMs');
  }
  const isSame = before?.incarnation === token.incarnation;
  const deadlineMs = isSame ? Math.max(before.deadlineMs, token.deadlineMs) : token.deadlineMs;
  return { kind: 'taken', state: { ...state, token: { ...token, deadlineMs }, sighting: null } };
}

/**
 * The VMs of this boot do not rest on the watchdog any more: an incarnation that holds was admitted.
 * Refused once a kill has begun.
 */
export function dropToken(state: PetterState, nowMs: number): PetterState | null {
  const phase = phaseOf(state, nowMs);
  return phase === 'idle' || phase === 'guarding' || phase === 'contained'
    ? { ...state, token: null, sighting: null }
    : null;
}

/** The device may be closed with `V`: no VM rests on it. */
export function mayDisarm(state: PetterState): boolean {
  return state.token === null || state.token.vms.length === 0;
}

function refused(because: string): { readonly kind: 'refused'; readonly because: string } {
  return { kind: 'refused', because };
}
