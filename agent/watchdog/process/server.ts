import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { longestLine, readAsk, type PetterAsk, type PetterReply } from './messages.ts';

/** More are not let in: who needs the petter is one agent, and a person now and then. */
const mostConnections = 16;

/** Answers on a Unix socket that only root may open. Fails by itself, and harms nobody then. */
export function serve(
  path: string,
  answer: (asked: PetterAsk) => PetterReply,
  onError: (error: Error) => void,
): void {
  const server = createServer((socket) => attend(socket, answer));
  server.maxConnections = mostConnections;
  server.on('error', onError);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // Left by the petter before: a second one cannot have the device.
  rmSync(path, { force: true });
  server.listen(path, () => chmodSync(path, 0o600));
}

function attend(socket: Socket, answer: (asked: PetterAsk) => PetterReply): void {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: string) => {
    text += chunk;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      if (!socket.writableEnded) socket.write(`${JSON.stringify(replyTo(line, answer))}\n`);
    }
    if (text.length > longestLine) socket.destroy();
  });
}

function replyTo(line: string, answer: (asked: PetterAsk) => PetterReply): PetterReply {
  const asked = readAsk(line);
  if (asked === null) return { kind: 'failed', because: 'it cannot be read' };
  try {
    return answer(asked);
  } catch (error) {
    return { kind: 'failed', because: error instanceof Error ? error.message : String(error) };
  }
}
