import { expect, test } from 'vitest';
import { VirtualTime } from '../../../chaos/sim/virtual-time.ts';
import { silentLog } from '../../../test/hypervisor/test-env.ts';
import { Lease } from './lease.ts';
import type { Channel } from './rpc/channel.ts';

test('a renewal whose stream is not open in time fails alone: the process lives, and the lease runs out', async () => {
  const time = new VirtualTime();
  const opened: (() => void)[] = [];
  const channel = {
    once: () => Promise.resolve({ ttl: 6 }),
    open: () => new Promise((_, reject) => opened.push(() => reject(new Error('too late')))),
    rotate: () => undefined,
  } as unknown as Channel;
  const unhandled: unknown[] = [];
  const note = (error: unknown): number => unhandled.push(error);
  process.on('unhandledRejection', note);
  try {
    const lease = await Lease.grant({
      channel,
      clock: { monotonicMs: () => time.nowMs, boottimeMs: () => time.nowMs },
      timers: { after: (delayMs, run) => time.schedule(delayMs, run) },
      random: { fraction: () => 0.5, uuid: () => 'unused' },
      log: silentLog,
      ttlS: 6,
    });
    await time.run(3000);
    expect(opened.length).toBeGreaterThan(1);
    // What nobody handles is told after the promises that are settled by now.
    await new Promise((resolve) => void setImmediate(resolve));
    expect(unhandled).toEqual([]);
    expect(lease.isLive()).toBe(true);
    await time.run(6000);
    expect(lease.isLive()).toBe(false);
    for (const fail of opened) fail();
  } finally {
    process.off('unhandledRejection', note);
  }
});
