import type { FaultEffect } from '../swarm/scenario.ts';
import type { Name } from '../swarm/sometimes.ts';
import type { Claim } from './claim.ts';
import { readId } from './claimed-ids.ts';

/**
 * Rows whose outcome is what the checkers of a campaign demand of every run, by the states that
 * show that a run was in them. A row stands here only when a checker would tell another outcome.
 */
const shown: Readonly<Record<string, readonly (Name | `fault: ${FaultEffect['kind']}`)[]>> = {
  N9: ['an agent was taken over after a restart'],
  N14: ['fault: stateDisk', 'a start was refused: stateDisk'],
  N21: ['a leftover was released'],
  W4: ['fault: cutManagers', 'fault: cutBoth'],
  W17: [
    'fault: replay',
    'a start was refused: epoch',
    'a start was refused: incarnation',
    'a start was refused: token',
  ],
  B7: ['a proof was revoked'],
  B8: ['fault: wrongBmc', 'a BMC answered for another node'],
  B11: ['a leadership was taken over while a fence operation was open', 'a fence operation acted'],
  B12: ['a fence operation was called off', 'a fence operation acted'],
  M2: ['a leader stood still between commit and send'],
  M3: ['fault: expireLeader', 'a deposed leader tried to write and was refused'],
  C1: ['fault: wallStep'],
};

/** Name of the source of these claims. */
export const campaign = 'campaign';

export function campaignClaims(): readonly Claim[] {
  return Object.entries(shown).flatMap(([text, states]) => {
    const id = readId(text);
    return id === null
      ? []
      : [{ ...id, kind: 'sim' as const, source: campaign, title: states.join('; ') }];
  });
}

/** The states that a campaign must have counted for its claim of this row to have been run. */
export function statesOf(id: string): readonly string[] {
  return shown[id] ?? [];
}
