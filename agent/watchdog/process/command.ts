import { parseArgs } from 'node:util';
import { realTimers } from '../../../src/env/real/timers.ts';
import { reply } from '../petter-link.ts';
import { runPetter } from './main.ts';

const usage = `Usage: kennel-watchdog run|status|test|stop [options]

  run     pet the watchdog while the VMs of this node may run; for the service manager
  status  what the watchdog is, and what rests on it
  test    let it reset this machine now, to learn what it takes; no VM may rest on it
  stop    close it in good order; refused with nowayout, or while VMs rest on it

  --device <path>   the device (default: /dev/watchdog0)
  --timeout <s>     what its timeout has to be, in seconds (default: 5)
  --fd <number>     a copy of the open device, from the process that holds it
  --socket <path>   where it is asked (default: /run/kennel/watchdog.sock)
  --token <path>    where the last token is kept, on a tmpfs (default: /run/kennel/watchdog.json)
  --starting <path> there while the holder pets (default: /run/kennel/watchdog.starting)
  --measured <path> what a test has measured (default: /var/lib/kennel/watchdog-test.json)
  --yes             reset this machine without asking again
`;

/** The program `kennel-watchdog`. Sets the exit code: 0 done, 1 refused or failed, 2 wrong use. */
export async function main(args: readonly string[]): Promise<void> {
  let parsed;
  try {
    parsed = parse(args);
  } catch (error) {
    return wrongUse(error instanceof Error ? error.message : String(error));
  }
  const { values, positionals } = parsed;
  const [verb] = positionals;
  const timeoutS = Number(values.timeout);
  if (!Number.isInteger(timeoutS) || timeoutS < 2 || timeoutS > 60) {
    return wrongUse('--timeout is a number of seconds from 2 to 60');
  }
  switch (verb) {
    case 'run':
      return runPetter({
        device: values.device,
        timeoutMs: timeoutS * 1000,
        fd: values.fd === undefined ? null : Number(values.fd),
        socket: values.socket,
        tokenFile: values.token,
        startingFile: values.starting,
        biteFile: values.measured,
      });
    case 'status':
      return answered(async () => {
        const { status } = await reply(realTimers(), values.socket, { ask: 'status' }, 'status');
        process.stdout.write(`${JSON.stringify(status, null, 2)}\n`);
        return null;
      });
    case 'test':
      if (!values.yes) return wrongUse('test resets this machine: say --yes');
      return answered(() => did(values.socket, 'bite'));
    case 'stop':
      return answered(() => did(values.socket, 'stop'));
    default:
      return wrongUse(verb === undefined ? 'a verb is missing' : `${verb} is no verb`);
  }
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      device: { type: 'string', default: '/dev/watchdog0' },
      timeout: { type: 'string', default: '5' },
      fd: { type: 'string' },
      socket: { type: 'string', default: '/run/kennel/watchdog.sock' },
      token: { type: 'string', default: '/run/kennel/watchdog.json' },
      starting: { type: 'string', default: '/run/kennel/watchdog.starting' },
      measured: { type: 'string', default: '/var/lib/kennel/watchdog-test.json' },
      yes: { type: 'boolean', default: false },
    },
  });
}

async function did(socket: string, ask: 'bite' | 'stop'): Promise<string | null> {
  return (await reply(realTimers(), socket, { ask }, 'did')).because;
}

async function answered(work: () => Promise<string | null>): Promise<void> {
  let because;
  try {
    because = await work();
  } catch (error) {
    because = error instanceof Error ? error.message : String(error);
  }
  if (because === null) return;
  process.stderr.write(`kennel-watchdog: ${because}\n`);
  process.exitCode = 1;
}

function wrongUse(because: string): void {
  process.stderr.write(`kennel-watchdog: ${because}\n${usage}`);
  process.exitCode = 2;
}
