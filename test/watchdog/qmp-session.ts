import { createInterface } from 'node:readline';
import { connect, type Socket } from 'node:net';

interface Message {
  readonly event?: string;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

/** A control connection to a QEMU, which tells of its events too. */
export class QmpSession {
  readonly #socket: Socket;
  readonly #waiting: {
    readonly resolve: (value: unknown) => void;
    readonly reject: (error: Error) => void;
  }[] = [];

  private constructor(socket: Socket, onEvent: (event: string) => void) {
    this.#socket = socket;
    createInterface({ input: socket }).on('line', (line) => {
      const message = JSON.parse(line) as Message;
      if (message.event !== undefined) return onEvent(message.event);
      if (message.error !== undefined) this.#waiting.shift()?.reject(new Error(message.error.desc));
      else if ('return' in message) this.#waiting.shift()?.resolve(message.return);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('QEMU has ended'));
    });
  }

  /** Rejects when nothing listens there. */
  static async open(path: string, onEvent: (event: string) => void): Promise<QmpSession> {
    const socket = connect({ path });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    const session = new QmpSession(socket, onEvent);
    await session.run('qmp_capabilities');
    return session;
  }

  /** Rejects when it is refused, or QEMU ends. */
  run(execute: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('QEMU has ended'));
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
