import { expect } from 'vitest';
import { runGuest, type GuestRun } from './guest.ts';

/** W of the guest, s, and what the emulated device and a print every 200 ms may add. */
const watchdogS = 6;
const slackS = 0.6;

/**
 * Each boots the guest once and says what must be so. Times are the guest's own: it counts instructions,
 * so that a busy host makes nothing late.
 */
export const cases = {
  'N2 W1: VMs, agent and their daemon are dead when the lease is over, the node lives on, and a bite test resets it after W':
    async (initrd) => {
      const run = await runGuest(initrd, { name: 'contained' });
      const deadlineS = Number(/deadline=([\d.]+)/.exec(run.output)?.[1]);
      expect(run.at('killed') - deadlineS).toBeLessThan(1.5);
      expect(run.at('alive phase=contained')).toBeGreaterThan(deadlineS + 3 + watchdogS);
      expect(run.bit).toBe(true);
      const bitAfterS = run.at('test') - run.at('bite');
      expect(bitAfterS).toBeGreaterThan(watchdogS - slackS);
      expect(bitAfterS).toBeLessThan(watchdogS + slackS);
      const [measured] = run.lines.filter((line) => line.startsWith('test')).slice(-1);
      expect(measured).toContain('"identity":"i6300ESB timer","timeoutMs":6000');
    },
  'N6 N7: a petter that stands still kills nobody, and the device resets the node W after its last pet':
    async (initrd) => {
      const run = await runGuest(initrd, { name: 'stall' });
      expect(run.bit).toBe(true);
      expect(run.at('lives') - run.at('stopped')).toBeLessThan(watchdogS + slackS);
      expect(run.at('lives') - run.at('stopped')).toBeGreaterThan(watchdogS * 0.75 - slackS);
    },
} as const satisfies Record<string, Case>;

type Case = (initrd: string) => Promise<void>;

const isAlive = (run: GuestRun, begin: string): void => {
  expect(run.at(begin)).toBeGreaterThan(0);
  expect(run.bit).toBe(false);
};

/** More of them, for `npm run lab:watchdog`. */
export const moreCases = {
  'a petter that dies when its time is over is no pet: a copy of the device is held': async (
    initrd,
  ) => {
    const run = await runGuest(initrd, { name: 'killedLate' });
    expect(run.bit).toBe(true);
    // Its last pet was at most W/4 before it was stopped; a pet by its death would add 4.5 s.
    expect(run.at('lives') - run.at('stopped')).toBeLessThan(watchdogS + slackS);
  },
  'a petter that is started when the time is over kills what is left, and pets on': async (
    initrd,
  ) => {
    isAlive(await runGuest(initrd, { name: 'replacedLate' }), 'alive phase=contained');
  },
  'N9: a petter that dies within the lease is back with its token, and nothing is reset': async (
    initrd,
  ) => {
    isAlive(await runGuest(initrd, { name: 'petterRestarts' }), 'alive phase=guarding');
  },
  'N3: a panic is reset by the device': async (initrd) => {
    const run = await runGuest(initrd, { name: 'panic' });
    expect(run.output).toContain('Kernel panic');
    expect(run.bit).toBe(true);
  },
  'a petter that is told to end pets on: with nowayout the device cannot be closed': async (
    initrd,
  ) => {
    const run = await runGuest(initrd, { name: 'magic' });
    isAlive(run, 'alive phase=guarding');
    expect(run.output).toContain('because=nowayout');
  },
  'N25: a device of another timeout is not armed, with a holder': async (initrd) => {
    const run = await runGuest(initrd, { name: 'wrongTimeout', wantedS: 5 });
    isAlive(run, 'alive unarmed');
    expect(run.output).toContain('not armed: the timeout of /dev/watchdog0 is 6 s, wanted is 5 s');
  },
  'N24: softdog is attested as weak': async (initrd) => {
    const run = await runGuest(initrd, { name: 'attest', module: 'softdog' });
    expect(run.output).toContain('"identity":"Software Watchdog","strength":"weak"');
  },
  'without a holder the petter says so': async (initrd) => {
    const run = await runGuest(initrd, { name: 'attest', held: false });
    expect(run.output).toContain('"held":false');
  },
  'a device that does not work resets nothing, and its test measures nothing': async (initrd) => {
    const run = await runGuest(initrd, { name: 'broken', action: 'none' });
    expect(run.output).toContain('"measuredMs":null');
    expect(run.at('alive')).toBeGreaterThan(0);
  },
} as const satisfies Record<string, Case>;
