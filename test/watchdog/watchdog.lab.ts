import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runGuest, type GuestCase } from './guest.ts';
import { buildGuest, canBoot } from './guest-image.ts';

/** W of the guest, s. */
const heartbeatS = 6;
/** What the emulated device, a look every 100 ms and the zero of the clocks may add, s. */
const slackS = 0.6;
/** Guest minutes under stress; none unless wanted, for they cost as many of a processor. */
const stressMinutes = Number(process.env['KENNEL_WATCHDOG_STRESS_MINUTES'] ?? 0);

const isPressure = (line: string): boolean => line.startsWith('stress phase=');

/**
 * Everything is measured and limited in guest time. This limit is for a host on which a QEMU makes no
 * progress at all.
 */
vi.setConfig({ testTimeout: 3_600_000, hookTimeout: 600_000 });

describe.skipIf(!canBoot)('a real kernel with an i6300esb, and the real petter', () => {
  let guest: Awaited<ReturnType<typeof buildGuest>>;
  beforeAll(async () => {
    guest = await buildGuest();
  });
  afterAll(() => guest?.remove());

  async function runCase(of: Partial<GuestCase> & Pick<GuestCase, 'name'>) {
    const run = await runGuest(guest.initrd, { heartbeatS, ...of });
    const text = run.lines.filter((line) => !/^(test|lives)/.test(line)).join('\n');
    console.log(`${of.name}: the device fired at ${run.firedS ?? 'no time'}\n${text}`);
    return run;
  }

  it('N2 W1: VMs and agent are dead when the lease is over, the node lives on, and a bite test resets it after W', async () => {
    const run = await runCase({ name: 'contained' });
    const deadlineS = Number(/deadline=([\d.]+)/.exec(run.output)?.[1]);
    expect(run.at('killed') - deadlineS).toBeLessThan(1.5);
    expect(run.at('alive phase=contained')).toBeGreaterThan(deadlineS + 3 + heartbeatS);
    const bitAfterS = (run.firedS ?? 0) - run.at('bite because=null');
    expect(bitAfterS).toBeGreaterThan(heartbeatS - slackS);
    expect(bitAfterS).toBeLessThan(heartbeatS + slackS);
    // What the next boot would read of it.
    expect(run.at('test') - run.at('bite')).toBeGreaterThan(heartbeatS - slackS);
  });

  it('N7: a petter that stands still pets no more, and the device resets the node W after its last pet', async () => {
    const run = await runCase({ name: 'stall' });
    const livedS = (run.firedS ?? 0) - run.at('stopped');
    expect(livedS).toBeLessThan(heartbeatS + slackS);
    expect(livedS).toBeGreaterThan(heartbeatS * 0.75 - slackS);
    // The clock that is read from outside is the guest's.
    expect(Math.abs((run.firedS ?? 0) - run.at('lives'))).toBeLessThan(slackS);
  });

  it('a petter that is killed is started again and guards on; one that stays dead closes nothing, and the device fires W after its last pet', async () => {
    const run = await runCase({ name: 'killed' });
    expect(run.at('again phase=guarding') - run.at('killed')).toBeLessThan(heartbeatS);
    const livedS = (run.firedS ?? 0) - run.at('stopped');
    expect(livedS).toBeGreaterThan(heartbeatS * 0.75 - slackS);
    expect(livedS).toBeLessThan(heartbeatS + slackS);
    expect(run.at('killed for good')).toBeLessThan(run.firedS ?? 0);
  });

  it('a node that takes longer than W to start its petter is not reset, and then nobody but the petter pets', async () => {
    const lateS = heartbeatS * 3;
    const run = await runCase({ name: 'late', words: `panic=-1 late=${lateS}` });
    expect(run.at('attested')).toBeGreaterThan(lateS);
    run.at('healthy phase=guarding');
    const livedS = (run.firedS ?? 0) - run.at('stopped');
    expect(livedS).toBeGreaterThan(heartbeatS * 0.75 - slackS);
    expect(livedS).toBeLessThan(heartbeatS + slackS);
  });

  it('a kernel that panics and stands still for good is reset W after the last pet', async () => {
    const run = await runCase({ name: 'panic', words: 'panic=0', shift: 4 });
    expect(run.output).toContain('Kernel panic');
    const livedS = (run.firedS ?? 0) - run.at('panics');
    expect(livedS).toBeGreaterThan(heartbeatS * 0.75 - slackS);
    expect(livedS).toBeLessThan(heartbeatS + slackS);
  });

  it('a device with another timeout is not armed, a healthy node is not reset, and a magic close disarms nothing', async () => {
    const run = await runCase({ name: 'close', words: 'panic=-1 loaded=10' });
    run.at('holder refused with 1');
    run.at('petter refused with 1');
    expect(run.at('not armed') - run.at('petter refused')).toBeGreaterThan(20);
    run.at('healthy phase=guarding');
    expect(run.lines.find((line) => line.startsWith('stop because='))).toContain('nowayout');
    const afterS = (run.firedS ?? 0) - run.at('magic');
    expect(afterS).toBeGreaterThan(heartbeatS - slackS);
    expect(afterS).toBeLessThan(heartbeatS + slackS);
  });

  it.skipIf(stressMinutes === 0)(
    'a healthy petter under stress of CPU, memory and disk resets nothing',
    async () => {
      const run = await runCase({
        name: 'stress',
        words: `panic=-1 stress=${stressMinutes * 60}`,
        limitS: stressMinutes * 60 + 600,
        // A slow processor makes the stress the worse, and the run the shorter; what arms the device does
        // not wait for the petter, which takes 15 s to start there.
        shift: 4,
        heartbeatS: 20,
        onLine: (line) => console.log(line),
      });
      expect(run.firedS).toBeNull();
      run.at('stressed phase=guarding gone=0');
      // There was stress: more wanted the processor than there is, and the disk was written.
      const [, written, load] =
        /written=(\d+) load=([\d.]+)/.exec(run.lines.findLast(isPressure) ?? '') ?? [];
      expect(Number(written)).toBeGreaterThan(0);
      expect(Number(load)).toBeGreaterThan(3);
    },
  );
});
