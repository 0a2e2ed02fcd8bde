import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { setPriority } from 'node:os';
import { petterLink, reply } from '../../agent/watchdog/petter-link.ts';
import type { PetterStatus } from '../../agent/watchdog/process/messages.ts';
import { argumentsOf, pids } from '../../agent/watchdog/process/proc.ts';
import type { PetterToken } from '../../agent/watchdog/petter-core.ts';
import { realClock } from '../../src/env/real/clock.ts';
import { realTimers } from '../../src/env/real/timers.ts';

/*
 * Runs in the watchdog guest, beside the real petter: plays an agent, VMs, and what goes wrong. Every
 * line it prints begins with KENNEL and ends with the guest's uptime in seconds. It waits for what it
 * wants to see, and by the guest's clock only where the time itself is what the case is about.
 */

const socket = '/run/kennel/watchdog.sock';
const vms = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'];
const lookMs = 100;
const timers = realTimers();
const clock = realClock();
const link = petterLink(timers, socket);
const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

function say(text: string): void {
  process.stdout.write(`KENNEL ${text} ${(clock.boottimeMs() / 1000).toFixed(2)}\n`);
}

/** Resolves with what the look finds; how long that may take is for the guest's time limit. */
async function until<T>(look: () => T | null | Promise<T | null>): Promise<T> {
  for (;;) {
    const found = await Promise.resolve()
      .then(look)
      .catch(() => null);
    if (found !== null) return found;
    await new Promise<void>((resolve) => void timers.after(lookMs, resolve));
  }
}

const untilUptime = (ms: number): Promise<true> =>
  until(() => (clock.boottimeMs() >= ms ? true : null));

const status = async (): Promise<PetterStatus> =>
  (await reply(timers, socket, { ask: 'status' }, 'status')).status;

const untilPhase = (phase: PetterStatus['phase']): Promise<PetterStatus> =>
  until(async () => {
    const now = await status();
    return now.phase === phase ? now : null;
  });

function pidOf(word: string, than?: number): number | null {
  const isIt = (pid: number): boolean =>
    pid !== process.pid &&
    pid !== than &&
    argumentsOf('/proc', pid).some((one) => one.endsWith(word));
  return pids('/proc').find(isIt) ?? null;
}

const petter = (than?: number): Promise<number> => until(() => pidOf('/kennel-watchdog.mjs', than));

const holder = (): Promise<number> => until(() => pidOf('/kennel-watchdog-hold'));

/** Stands for a QEMU: what the petter goes by is its arguments. */
function guest(vm: string): ChildProcess {
  return spawn('/bin/busybox', ['sh', '-c', 'while :; do sleep 1; done', '-uuid', vm]);
}

interface Running {
  readonly children: readonly ChildProcess[];
  /** Another lease. */
  renew(leaseMs: number): Promise<void>;
}

/** Two VMs and an agent run until `leaseMs` from now; `graceMs` later the device is petted no more. */
async function run(leaseMs: number, graceMs: number): Promise<Running> {
  const agent = spawn('/bin/busybox', ['sleep', '1000000']);
  const children = [agent, ...vms.map(guest)];
  const agentPid = agent.pid ?? 0;
  await until(() => (vms.every((vm) => pidOf(vm) !== null) ? true : null));
  const send = async (ms: number): Promise<string> => {
    const deadlineMs = clock.boottimeMs() + ms;
    const token: PetterToken = { bootId, incarnation: 'i-1', deadlineMs, graceMs, vms, agentPid };
    const answer = await link.send(token);
    return `token ${answer.kind} deadline=${(deadlineMs / 1000).toFixed(2)}`;
  };
  // Refused for as long as the holder pets.
  const taken = async (): Promise<string | null> => {
    const said = await send(leaseMs);
    return said.startsWith('token taken') ? said : null;
  };
  say(await until(taken));
  return {
    children,
    renew: async (ms) => {
      const said = await send(ms);
      if (!said.startsWith('token taken')) say(said);
    },
  };
}

const isOver = (child: ChildProcess): boolean => child.signalCode === 'SIGKILL';

async function renewUntil(running: Running, uptimeMs: number, onRenewed: () => Promise<void>) {
  let dueMs = clock.boottimeMs();
  while (clock.boottimeMs() < uptimeMs) {
    await untilUptime(dueMs);
    await running.renew(6000);
    await onRenewed();
    dueMs += 1000;
  }
}

const forEver = (): Promise<never> => until<never>(() => null);

const cases: Readonly<Record<string, () => Promise<void>>> = {
  /** The lease is over: VMs and agent die, the node lives on, and a bite test then resets it. */
  contained: async () => {
    const { children } = await run(3000, 3000);
    await until(() => (children.every(isOver) ? true : null));
    say('killed');
    await untilPhase('contained');
    say('contained');
    const { timeoutMs } = await link.attest();
    await untilUptime(clock.boottimeMs() + 3000 + timeoutMs * 2);
    say(`alive phase=${(await status()).phase}`);
    await link.drop();
    const { because } = await reply(timers, socket, { ask: 'bite' }, 'did');
    say(`bite because=${because}`);
    let last = '';
    for (;;) {
      last = await until(() => {
        const text = readFileSync('/var/lib/kennel/watchdog-test.json', 'utf8');
        return text === last ? null : text;
      });
      say(`test ${last}`);
    }
  },
  /** The petter stands still when it should look: nothing is killed, and the device fires. */
  stall: async () => {
    await run(3000, 3000);
    const pid = await petter();
    await untilUptime(clock.boottimeMs() + 2500);
    process.kill(pid, 'SIGSTOP');
    say('stopped');
    for (;;) {
      await untilUptime(clock.boottimeMs() + 200);
      say('lives');
    }
  },
  /** A killed petter is started again and keeps its word; one that stays dead has closed nothing. */
  killed: async () => {
    const running = await run(6000, 3000);
    const before = await petter();
    process.kill(before, 'SIGKILL');
    say('killed');
    const after = await petter(before);
    say(`again phase=${(await untilPhase('guarding')).phase}`);
    await running.renew(60_000);
    process.kill(await holder(), 'SIGSTOP');
    process.kill(after, 'SIGSTOP');
    say('stopped');
    // The device is closed late: were that one more pet, it would fire so much later.
    await untilUptime(clock.boottimeMs() + 3000);
    process.kill(after, 'SIGKILL');
    say('killed for good');
    await forEver();
  },
  /** The kernel stands still for good. */
  panic: async () => {
    await run(60_000, 3000);
    say('panics');
    writeFileSync('/proc/sysrq-trigger', 'c');
  },
  /** The petter came late; a lease is held, the holder stands still, and nothing is reset. */
  late: async () => {
    const running = await run(6000, 3000);
    process.kill(await holder(), 'SIGSTOP');
    await renewUntil(running, clock.boottimeMs() + 20_000, () => Promise.resolve());
    say(`healthy phase=${(await status()).phase}`);
    process.kill(await petter(), 'SIGSTOP');
    say('stopped');
    await forEver();
  },
  /** A minute in good order; then everything that holds the device dies, and somebody disarms it. */
  close: async () => {
    const running = await run(6000, 3000);
    await renewUntil(running, clock.boottimeMs() + 60_000, () => Promise.resolve());
    say(`healthy phase=${(await status()).phase}`);
    const pid = await petter();
    process.kill(pid, 'SIGTERM');
    const { because } = await reply(timers, socket, { ask: 'stop' }, 'did');
    say(`stop because=${because}`);
    process.kill(await holder(), 'SIGKILL');
    process.kill(pid, 'SIGKILL');
    say('closed');
    const device = await until(() => openSync('/dev/watchdog0', 'w'));
    writeSync(device, 'V');
    closeSync(device);
    say('magic');
    await forEver();
  },
  /** Leases are renewed while CPU, memory and the disk are wanted by more than there is. */
  stress: async () => {
    setPriority(-10);
    writeFileSync('/proc/self/oom_score_adj', '-900');
    const running = await run(6000, 3000);
    const stress = spawn('/stress', { stdio: 'inherit' });
    setPriority(stress.pid ?? 0, 0);
    const forS = Number(/stress=(\d+)/.exec(readFileSync('/proc/cmdline', 'utf8'))?.[1]);
    const endMs = clock.boottimeMs() + forS * 1000;
    say('stress');
    let saidMs = clock.boottimeMs();
    let lastMs = saidMs;
    let worstMs = 0;
    await renewUntil(running, endMs, async () => {
      const nowMs = clock.boottimeMs();
      worstMs = Math.max(worstMs, nowMs - lastMs);
      lastMs = nowMs;
      if (nowMs - saidMs < 30_000) return;
      saidMs = nowMs;
      say(`stress phase=${(await status()).phase} ${pressure()} worst=${Math.round(worstMs)}`);
    });
    say(`stressed phase=${(await status()).phase} gone=${running.children.filter(isOver).length}`);
  },
};

/** What the kernel did for the stress since it booted: processes ended for memory, MiB on the disk. */
function pressure(): string {
  const of = (name: string, text: string): number =>
    Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1] ?? 0);
  const killed = of('oom_kill', readFileSync('/proc/vmstat', 'utf8'));
  const [, , , , , , readSectors = 0, , , , written = 0] =
    readFileSync('/proc/diskstats', 'utf8')
      .split('\n')
      .flatMap((line) => (line.includes(' vda ') ? [line.trim().split(/\s+/)] : []))[0]
      ?.map(Number) ?? [];
  const load = readFileSync('/proc/loadavg', 'utf8').split(' ')[0];
  return `oom=${killed} read=${readSectors >> 11} written=${written >> 11} load=${load}`;
}

const [name = ''] = process.argv.slice(2);
const watchdog = await until(() => link.attest());
say(`attested ${JSON.stringify(watchdog)}`);
await cases[name]?.();
