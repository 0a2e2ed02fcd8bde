import { readFileSync } from 'node:fs';
import { realClock } from '../../../src/env/real/clock.ts';
import { realTimers } from '../../../src/env/real/timers.ts';
import { serve } from './server.ts';
import { WatchdogProcess } from './watchdog-process.ts';

export interface RunOptions {
  readonly device: string;
  readonly timeoutMs: number;
  /** A copy of the open device, from a holder; null = it opens the device itself. */
  readonly fd: number | null;
  readonly socket: string;
  readonly tokenFile: string;
  readonly startingFile: string;
  readonly biteFile: string;
}

/**
 * Pets the device for as long as VMs may run, and is never done: it neither ends nor closes the device
 * when it has to stop petting, because a close is one more pet.
 */
export function runPetter(options: RunOptions): void {
  const clock = realClock();
  const timers = realTimers();
  const { device, timeoutMs, fd, tokenFile, startingFile, biteFile } = options;
  const said = new Set<string>();
  // A device that fails fails at every turn.
  const say = (text: string): void => {
    if (said.size < 100 && !said.has(text)) process.stderr.write(`kennel-watchdog: ${text}\n`);
    said.add(text);
  };
  const petter = new WatchdogProcess({
    paths: { device, sysfs: '/sys/class/watchdog', proc: '/proc' },
    fd,
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    timeoutMs,
    tokenFile,
    startingFile,
    biteFile,
    nowMs: () => clock.boottimeMs(),
    kill: (pid) => {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        // It ended by itself; whether it is gone is for the next look.
        say(`process ${pid}: ${String(error)}`);
      }
    },
  });
  const refusal = petter.refusal();
  if (refusal !== null) {
    say(`not armed: ${refusal}`);
    process.exitCode = 1;
    return;
  }
  process.on('uncaughtException', (error) => say(error.message));
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      const because = petter.stop();
      if (because === null) process.exit(0);
      say(`${signal} is not followed: ${because}`);
    });
  }
  const turn = (): void => {
    let nextMs = timeoutMs / 4;
    try {
      nextMs = petter.tick();
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    }
    timers.after(nextMs, turn);
  };
  turn();
  serve(
    options.socket,
    (asked) => petter.answer(asked),
    (error) => say(error.message),
  );
}
