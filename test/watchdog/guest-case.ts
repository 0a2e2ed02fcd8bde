import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { petterLink, reply } from '../../agent/watchdog/petter-link.ts';
import type { PetterStatus } from '../../agent/watchdog/process/messages.ts';
import { argumentsOf, pids } from '../../agent/watchdog/process/proc.ts';
import { realClock } from '../../src/env/real/clock.ts';
import { realTimers } from '../../src/env/real/timers.ts';

/*
 * Runs in the watchdog guest, beside the real petter: plays an agent, VMs, and what goes wrong. Every
 * line it prints begins with KENNEL and ends with the guest's uptime in seconds.
 */

const socket = '/run/kennel/watchdog.sock';
const vms = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'];
const timers = realTimers();
const clock = realClock();
const link = petterLink(timers, socket);

function say(text: string): void {
  process.stdout.write(`KENNEL ${text} ${(clock.boottimeMs() / 1000).toFixed(2)}\n`);
}

const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => void timers.after(ms, resolve));

async function until<T>(what: string, look: () => Promise<T | null>): Promise<T> {
  for (;;) {
    const found = await look().catch(() => null);
    if (found !== null) return found;
    await sleep(100);
    if (clock.boottimeMs() > 300_000) throw new Error(`never ${what}`);
  }
}

const status = async (): Promise<PetterStatus> =>
  (await reply(timers, socket, { ask: 'status' }, 'status')).status;

const petterPid = (): number =>
  pids('/proc').find((pid) => argumentsOf('/proc', pid).includes('run') && pid !== process.pid) ??
  0;

/** Stands for a QEMU: what the petter goes by is its arguments. */
function guest(vm: string): ChildProcess {
  return spawn('/bin/busybox', ['sh', '-c', 'while :; do sleep 1; done', '-uuid', vm]);
}

/** Two VMs and an agent run until `leaseMs` from now; `graceMs` later the device is petted no more. */
async function run(leaseMs: number, graceMs: number): Promise<readonly ChildProcess[]> {
  const agent = spawn('/bin/busybox', ['sleep', '1000']);
  const children = [agent, ...vms.map(guest)];
  await sleep(200);
  const deadlineMs = clock.boottimeMs() + leaseMs;
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const agentPid = agent.pid ?? 0;
  const answer = await link.send({
    bootId,
    incarnation: 'i-1',
    deadlineMs,
    graceMs,
    vms,
    agentPid,
  });
  say(`token ${answer.kind} deadline=${(deadlineMs / 1000).toFixed(2)}`);
  return children;
}

const isOver = (child: ChildProcess): boolean => child.signalCode === 'SIGKILL';

const cases: Readonly<Record<string, () => Promise<void>>> = {
  /** The lease is over: VMs and agent die, the node lives on, and a bite test then resets it. */
  contained: async () => {
    const children = await run(3000, 3000);
    await until('killed', async () => (children.every(isOver) ? true : null));
    say('killed');
    await until('contained', async () => ((await status()).phase === 'contained' ? true : null));
    say('contained');
    const watchdog = await link.attest();
    await sleep(3000 + watchdog.timeoutMs + 1000);
    say(`alive phase=${(await status()).phase}`);
    await link.drop();
    const { because } = await reply(timers, socket, { ask: 'bite' }, 'did');
    say(`bite because=${because}`);
    await reportTest();
  },
  /** The petter stands still when it should look: nothing is killed, and the device fires. */
  stall: async () => {
    await run(3000, 3000);
    await sleep(2500);
    process.kill(petterPid(), 'SIGSTOP');
    say('stopped');
    await live();
  },
};

/** Signs of life until the end. */
async function live(): Promise<void> {
  for (;;) {
    await sleep(200);
    say('lives');
  }
}

async function reportTest(): Promise<void> {
  for (;;) {
    await sleep(250);
    say(`test ${readFileSync('/var/lib/kennel/watchdog-test.json', 'utf8')}`);
  }
}

const [name = ''] = process.argv.slice(2);
const watchdog = await until('attested', () => link.attest());
say(`attested ${JSON.stringify(watchdog)}`);
await cases[name]?.();
