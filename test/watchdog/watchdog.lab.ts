import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildGuest, canBoot, runGuest } from './guest.ts';

/** W of the guest, s. */
const heartbeatS = 6;
/** What the emulated device and a line every 200 ms may add, s. */
const slackS = 0.6;

describe.skipIf(!canBoot)('a real kernel with an i6300esb, and the real petter', () => {
  let guest: Awaited<ReturnType<typeof buildGuest>>;
  beforeAll(async () => {
    guest = await buildGuest();
  });
  afterAll(() => guest?.remove());

  it('N2 W1: VMs and agent are dead when the lease is over, the node lives on, and a bite test resets it after W', async () => {
    const run = await runGuest(guest.initrd, { name: 'contained', heartbeatS });
    const deadlineS = Number(/deadline=([\d.]+)/.exec(run.output)?.[1]);
    expect(run.at('killed') - deadlineS).toBeLessThan(1.5);
    expect(run.at('alive phase=contained')).toBeGreaterThan(deadlineS + 3 + heartbeatS);
    expect(run.bit).toBe(true);
    const bitAfterS = run.at('test') - run.at('bite');
    expect(bitAfterS).toBeGreaterThan(heartbeatS - slackS);
    expect(bitAfterS).toBeLessThan(heartbeatS + slackS);
  }, 600_000);

  it('N7: a petter that stands still pets no more, and the device resets the node W after its last pet', async () => {
    const run = await runGuest(guest.initrd, { name: 'stall', heartbeatS });
    const livedS = run.at('lives') - run.at('stopped');
    expect(run.bit).toBe(true);
    expect(livedS).toBeLessThan(heartbeatS + slackS);
    expect(livedS).toBeGreaterThan(heartbeatS * 0.75 - slackS);
  }, 600_000);
});
