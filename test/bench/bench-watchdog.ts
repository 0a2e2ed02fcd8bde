import { readFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WatchdogProcess } from '../../agent/watchdog/process/watchdog-process.ts';
import { serve } from '../../agent/watchdog/process/server.ts';
import { realClock } from '../../src/env/real/clock.ts';
import { realTimers } from '../../src/env/real/timers.ts';

/**
 * `bench-watchdog.ts DIRECTORY BOOT_ID_FILE TIMEOUT_MS SOCKET`: the petter as it ships, over a device
 * that is none: a file, of which the attributes beside it say that it is an i6300esb, and a bite test that
 * nobody made. It resets nothing. So it can be used where the node loses its power at once, and what is
 * measured is how long the manager waits for what a real one would have made sure of. Descriptor 3 is the
 * device, open in the process that started this one too.
 */
const [directory = '', bootIdFile = '', timeout = '', socket = ''] = process.argv.slice(2);
const timeoutMs = Number(timeout);
const identity = 'i6300ESB timer';
const sysfs = join(directory, 'sysfs');
mkdirSync(join(sysfs, 'watchdog0'), { recursive: true });
const attributes = { identity, timeout: `${timeoutMs / 1000}`, nowayout: '1', pretimeout: '0' };
for (const [name, value] of Object.entries(attributes)) {
  writeFileSync(join(sysfs, 'watchdog0', name), `${value}\n`);
}
const biteFile = join(directory, 'watchdog-test.json');
writeFileSync(biteFile, JSON.stringify({ identity, timeoutMs, measuredMs: timeoutMs }));

const clock = realClock();
const timers = realTimers();
const petter = new WatchdogProcess({
  paths: { device: join(directory, 'watchdog0'), sysfs, proc: '/proc' },
  fd: 3,
  bootId: readFileSync(bootIdFile, 'utf8').trim(),
  timeoutMs,
  // On the node's own tmpfs, as on a real one.
  tokenFile: '/run/watchdog.json',
  startingFile: '/run/watchdog.starting',
  biteFile,
  nowMs: () => clock.boottimeMs(),
  kill: (pid) => process.kill(pid, 'SIGKILL'),
});
const turn = (): void => {
  timers.after(petter.tick(), turn);
};
turn();
serve(
  socket,
  (asked) => petter.answer(asked),
  (error) => process.stderr.write(`${error.message}\n`),
);
