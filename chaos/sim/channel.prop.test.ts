import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { lanProfile } from './link.ts';
import { makeNetworkWorld } from './testing/network-world.ts';
import type { NetworkWorld } from './testing/network-world.ts';

const trouble: Readonly<Record<string, (world: NetworkWorld) => void>> = {
  cutThere: (world) => world.hub.cut('a', 'm'),
  cutBack: (world) => world.hub.cut('m', 'a'),
  heal: (world) => world.hub.healBoth('a', 'm'),
  freeze: (world) => {
    world.hub.freeze('m');
    world.manager.process.pause('host');
  },
  thaw: (world) => {
    world.hub.thaw('m');
    world.manager.process.resume('host');
  },
  pause: (world) => world.manager.process.pause('stopped'),
  resume: (world) => world.manager.process.resume('stopped'),
  lossy: (world) => world.hub.setEveryProfile({ ...lanProfile, loss: 0.4 }),
  clean: (world) => world.hub.setEveryProfile(lanProfile),
};

const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ send: fc.integer({ min: 1, max: 5 }) }) },
    { weight: 2, arbitrary: fc.record({ waitMs: fc.constantFrom(0.1, 1, 50, 900, 12_000) }) },
    { weight: 2, arbitrary: fc.record({ change: fc.constantFrom(...Object.keys(trouble)) }) },
  ),
  { maxLength: 25 },
);

test('whatever happens, a channel delivers a prefix of what was sent, once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 1000 }), steps, fc.boolean(), async (seed, plan, crash) => {
      const world = makeNetworkWorld({ keepAliveMs: 8000, retransmitMs: 20_000 }, seed);
      const { agentEnd } = await world.join();
      const sent: number[] = [];
      for (const step of plan) {
        if ('waitMs' in step) await world.time.runFor(step.waitMs);
        else if ('change' in step) trouble[step.change]?.(world);
        else {
          for (let count = 0; count < step.send && world.closedAtAgent.length === 0; count += 1) {
            sent.push(sent.length);
            agentEnd.send(sent.length - 1);
          }
        }
      }
      if (crash) world.agent.process.kill('crash');
      for (const end of ['heal', 'thaw', 'resume', 'clean']) trouble[end]?.(world);
      await world.time.runFor(200_000);
      expect(world.heardByManager).toEqual(sent.slice(0, world.heardByManager.length));
      const broken = crash || world.closedAtAgent.length + world.closedAtManager.length > 0;
      expect(broken || world.heardByManager.length === sent.length).toBe(true);
    }),
    { numRuns: 150 },
  );
});
