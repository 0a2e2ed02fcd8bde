import { describe, expect, test } from 'vitest';
import type { Observations } from '../core/observations.ts';
import { defaultSettings } from '../core/model/settings.ts';
import { epoch } from '../core/model/ids.ts';
import { Mirror } from './mirror.ts';
import { ObservationBook } from './observation-book.ts';
import { StallMeter } from './stall-meter.ts';
import { ManagerWorld } from './testing/manager-world.ts';

function meterBench() {
  const world = new ManagerWorld();
  const { env, process } = world.managerEnv();
  const book = new ObservationBook(env.clock);
  const mirror = new Mirror(epoch(1), env.clock, defaultSettings('default'));
  const meter = new StallMeter(env, book);
  const stalls = (): Observations['stalls'] => book.observe(mirror).stalls;
  return { world, process, meter, stalls };
}

describe('the stall meter', () => {
  test('notes nothing while its ticks come in time', async () => {
    const { world, meter, stalls } = meterBench();
    meter.start();
    await world.run(60_000);
    expect(stalls()).toEqual([]);
  });

  test('M2: notes a pause of the process, its length and its end', async () => {
    const { world, process, meter, stalls } = meterBench();
    meter.start();
    await world.run(1000);
    process.pause('stopped');
    await world.run(30_000);
    process.resume('stopped');
    await world.run(1000);
    const [stall, ...more] = stalls();
    expect(more).toEqual([]);
    expect(stall?.lateMs).toBeGreaterThan(29_700);
    expect(stall?.lateMs).toBeLessThanOrEqual(30_000);
    expect(stall?.endedMs).toBeCloseTo(world.clock.monotonicMs() - 1000, -1);
  });

  test('M2: is asked before a decision, when another timer fires before its late tick', async () => {
    const { world, process, meter, stalls } = meterBench();
    meter.start();
    await world.run(1000);
    process.pause('stopped');
    await world.run(5000);
    meter.check();
    expect(stalls()).toHaveLength(1);
    process.resume('stopped');
    await world.run(1000);
    expect(stalls()).toHaveLength(1);
  });

  test('tolerates what ordinary load explains', async () => {
    const { world, process, meter, stalls } = meterBench();
    meter.start();
    await world.run(1000);
    process.pause('stopped');
    await world.run(290);
    process.resume('stopped');
    await world.run(1000);
    expect(stalls()).toEqual([]);
  });

  test('does not count the time before it was started', async () => {
    const { world, meter, stalls } = meterBench();
    await world.run(10_000);
    meter.start();
    await world.run(1000);
    expect(stalls()).toEqual([]);
  });

  test('leaves no timer behind when it stops', async () => {
    const { world, meter } = meterBench();
    meter.start();
    await world.run(1000);
    meter.stop();
    expect(world.time.pending).toBe(0);
  });

  test('C1: is not misled by the wall clock', async () => {
    const { world, meter, stalls } = meterBench();
    meter.start();
    await world.run(1000);
    world.clock.stepWall(3_600_000);
    await world.run(1000);
    world.clock.stepWall(-7_200_000);
    await world.run(1000);
    expect(stalls()).toEqual([]);
  });
});
