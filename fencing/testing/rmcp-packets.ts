import { createSocket } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';
import type { RigFiles } from './bmc-rig.ts';

const rmcpHeader = [0x06, 0x00, 0xff, 0x07];

/** IPMI 1.5 session header without session: type, sequence, id, length of the message. */
const noSession = [0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x09];
const capabilitiesMessage = [0x20, 0x18, 0xc8, 0x81, 0x00, 0x38, 0x8e, 0x03, 0xb6];

/** Get Channel Authentication Capabilities for channel 14h, OPERATOR: the first thing asked. */
const capabilitiesRequest = Buffer.from([...rmcpHeader, ...noSession, ...capabilitiesMessage]);

/** RMCP+ Open Session Request for suite 3. The BMC keeps the session half open for a while. */
function openSessionRequest(tag: number): Buffer {
  const session = [0x06, 0x10, ...Array.from({ length: 8 }, () => 0), 32, 0];
  const algorithm = (kind: number): readonly number[] => [kind, 0, 0, 8, 1, 0, 0, 0];
  const consoleId = [tag, 0, 0, 0xa0];
  const request = [tag, 4, 0, 0, ...consoleId, ...algorithm(0), ...algorithm(1), ...algorithm(2)];
  return Buffer.from([...rmcpHeader, ...session, ...request]);
}

/** Asks until the BMC answers; false when it does not in time or `gone` holds first. */
export function answers(rig: RigFiles, gone: () => boolean, withinMs: number): Promise<boolean> {
  return ask(rig, {
    packets: () => [capabilitiesRequest],
    everyMs: 100,
    withinMs,
    isAnswer: () => true,
    gone,
  });
}

const sessionsPerRound = 8;

/** Opens sessions until the BMC has none left; false when it still has some after that time. */
export function exhaustSessions(rig: RigFiles, withinMs: number): Promise<boolean> {
  let tag = 0;
  return ask(rig, {
    // Several at once: half-open ones run out, and a busy machine gets to few rounds a second.
    packets: () =>
      Array.from({ length: sessionsPerRound }, () => {
        tag = (tag + 1) % 256;
        return openSessionRequest(tag);
      }),
    everyMs: 5,
    withinMs,
    // Byte 17 of an Open Session Response is its status; 1 means that no session is left.
    isAnswer: (message) => message[17] === 1,
    gone: () => false,
  });
}

async function ask(
  rig: RigFiles,
  options: {
    readonly packets: () => readonly Buffer[];
    readonly everyMs: number;
    readonly withinMs: number;
    readonly isAnswer: (message: Buffer) => boolean;
    readonly gone: () => boolean;
  },
): Promise<boolean> {
  const socket = createSocket('udp4');
  const received: Buffer[] = [];
  socket.on('message', (message) => {
    if (options.isAnswer(message)) received.push(message);
  });
  // A port that is not bound yet is reported as an error of the socket.
  socket.on('error', () => {});
  const endMs = performance.now() + options.withinMs;
  try {
    while (received.length === 0 && !options.gone() && performance.now() < endMs) {
      for (const packet of options.packets()) socket.send(packet, rig.port, rig.address);
      await delay(options.everyMs);
    }
    return received.length > 0;
  } finally {
    socket.close();
  }
}
