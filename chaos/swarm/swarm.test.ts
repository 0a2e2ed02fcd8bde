import { describe, expect, it } from 'vitest';
import { runCampaign } from './campaign.ts';
import { drawScenario } from './draw.ts';
import { profiles } from './profiles.ts';
import type { FaultProfile, ProfileName } from './profiles.ts';
import { runScenario } from './run-scenario.ts';
import type { Scenario } from './scenario.ts';
import { shrink } from './shrink.ts';
import { addTallies, neverReached, noTally, reportOf, tallyOf } from './tally.ts';
import type { Tally } from './tally.ts';

/** Seeds of each profile here; campaigns run thousands. */
const seedsEach = 6;
/** Of profiles with many nodes, whose seeds compute for long. */
const seedsOfMany = 1;
/** These compute; on a machine that does much else they take long, ms. */
const computesMs = 240_000;

const ofProfiles = Object.keys(profiles) as ProfileName[];

async function tallySeeds(from: number, count: number, profile?: ProfileName): Promise<Tally> {
  let tally = noTally;
  for (let seed = from; seed < from + count; seed += 1) {
    const result = await runScenario(drawScenario(seed, profile === undefined ? {} : { profile }));
    expect(result.violations, `seed ${seed}`).toEqual([]);
    tally = addTallies(tally, tallyOf(result, 1));
  }
  return tally;
}

describe('a share of the campaign', () => {
  it.each(ofProfiles)(
    'I1 I2 I3 I4 I6: no rule is broken by seeds of the profile %s',
    async (profile) => {
      const { nodes = [] }: FaultProfile = profiles[profile];
      const seeds = Math.max(...nodes, 0) > 7 ? seedsOfMany : seedsEach;
      const tally = await tallySeeds(1, seeds, profile);
      expect(tally.seeds).toBe(seeds);
      expect(tally.events).toBeGreaterThan(5000);
    },
    computesMs,
  );

  it(
    'M3: in the profile of two leaders there are two for most of the time',
    async () => {
      const scenario = drawScenario(1, { profile: 'twoLeaders' });
      const result = await runScenario(scenario);
      expect(result.violations).toEqual([]);
      // Looked for every 50 ms.
      const leadingMs = (result.sometimes['two managers led at once'] ?? 0) * 50;
      expect(leadingMs).toBeGreaterThan(scenario.faultsMs / 2);
    },
    computesMs,
  );

  it(
    'says so when what was healed does not come to rest within the bound',
    async () => {
      const drawn = drawScenario(1, { profile: 'power' });
      const powerLoss = {
        kind: 'powerLoss',
        node: 'node-1',
        withBmc: false,
        atMs: 7000,
        lastsMs: 1000,
      } as const;
      const scenario: Scenario = {
        ...drawn,
        mode: 'liveness',
        faultsMs: 10_000,
        faults: [powerLoss],
        bootMs: 600_000,
      };
      const { violations } = await runScenario(scenario);
      expect(violations).toMatchObject([{ checker: 'liveness' }]);
      expect(violations[0]?.message).toContain('node-1 is');
    },
    computesMs,
  );

  it(
    'is the same whoever runs which seed',
    async () => {
      const draw = { profile: 'mixed' } as const;
      const options = { from: 50, seeds: 6, draw, stopAtFirst: false } as const;
      const alone = await tallySeeds(50, 6, 'mixed');
      const split = await runCampaign({ ...options, workers: 2 });
      expect(split.violations).toEqual([]);
      expect({ ...split.tally, cpuMs: 0 }).toEqual({ ...alone, cpuMs: 0 });
    },
    computesMs,
  );

  it('reports what it never reached', () => {
    expect(neverReached(reportOf(noTally, []))).toContain('proof: powerOff');
    const seen = { ...noTally, sometimes: { 'proof: powerOff': 1 } };
    expect(neverReached(reportOf(seen, []))).not.toContain('proof: powerOff');
  });
});

describe('shrinking', () => {
  it('leaves only the faults and calls that matter, and ends the run there', async () => {
    const drawn = drawScenario(4, { profile: 'mixed' });
    const fault = { kind: 'reset', node: 'node-1', atMs: 9000, lastsMs: 0 } as const;
    const scenario = { ...drawn, faults: [...drawn.faults, fault, { ...fault, atMs: 9500 }] };
    let runs = 0;
    const small = await shrink(scenario, async ({ faults, workload }) => {
      runs += 1;
      const has = faults.some((each) => each.kind === 'reset' && each.atMs === 9000);
      return has && workload.some((step) => step.vm === 1) ? 9100 : null;
    });
    expect(small.faults).toEqual([fault]);
    expect(small.workload).toHaveLength(1);
    expect(small.faultsMs).toBe(9101);
    expect(runs).toBeLessThan(100);
  });
});
