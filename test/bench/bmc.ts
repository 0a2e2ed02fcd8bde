import { appendFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { alive, signalProcess } from '../../deploy/lab/process-identity.ts';
import { bmcIdentity, bmcLog, bmcSocket, readPowerFile } from './bmc-files.ts';

/**
 * Stand-in for the fence devices of all nodes, outside of them. Usage: `bmc.ts DIRECTORY DELAY_MS
 * ok|stuck|lost`; ends with its standard input. One line per connection on `DIRECTORY/bmc.sock`, each with
 * `bmc` or `pdu` behind it for the device that is meant; a stuck BMC takes `off` and does nothing, a
 * lost one has the power of its node and answers for as long as that:
 *
 * - `off NODE`: SIGKILL for process 1 of the node's pid namespace, DELAY_MS later the answer `OK`.
 * - `status NODE`: `ON` or `OFF`, read from the kernel at that instant. The kernel lets process 1
 *   become a zombie only when every other process of its namespace is gone, so `OFF` is the truth.
 * - `identity NODE`: what tells this BMC from others.
 */
interface Behaviour {
  readonly delayMs: number;
  readonly isStuck: boolean;
  readonly isLost: boolean;
}

async function main(directory: string, how: Behaviour): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    createInterface({ input: socket }).once('line', (line) => {
      void answer(directory, how, line).then((text) => reply(socket, text));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(bmcSocket(directory), resolve);
  });
  process.stdout.write('listening\n');
  process.stdin.on('end', () => process.exit(0)).resume();
}

function reply(socket: Socket, text: string | null): void {
  if (text !== null && !socket.destroyed) socket.end(`${text}\n`);
}

/** Null = there is nobody to answer. */
async function answer(directory: string, how: Behaviour, line: string): Promise<string | null> {
  const [action = '', node = '', device = ''] = line.trim().split(' ');
  const init = readPowerFile(directory, node);
  if (init === null) return 'UNKNOWN NODE';
  if (how.isLost && !alive(init)) return null;
  switch (action) {
    case 'off':
      log(directory, `REQ off ${node}`);
      if (device === 'pdu' || !how.isStuck) signalProcess(init, 'SIGKILL');
      if (how.delayMs > 0) await delay(how.delayMs);
      log(directory, `OK off ${node}`);
      return 'OK';
    case 'status': {
      const power = alive(init) ? 'ON' : 'OFF';
      log(directory, `READ ${node} ${power}`);
      return power;
    }
    case 'identity':
      return bmcIdentity(directory, device === 'pdu' ? `${node} pdu` : node);
    default:
      return 'UNKNOWN ACTION';
  }
}

function log(directory: string, words: string): void {
  appendFileSync(bmcLog(directory), `${(Date.now() / 1000).toFixed(3)} ${words}\n`);
}

const [directory = '', delayMs = '0', state = 'ok'] = process.argv.slice(2);
await main(directory, {
  delayMs: Number(delayMs),
  isStuck: state === 'stuck',
  isLost: state === 'lost',
});
