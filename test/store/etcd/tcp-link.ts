import { createServer, connect, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

/**
 * What a link does with what comes through. `loseRequests` and `loseAnswers` keep connections open
 * and swallow one direction; `refuse` closes them at once.
 */
export type LinkMode = 'pass' | 'loseRequests' | 'loseAnswers' | 'refuse';

/** A TCP proxy on loopback in front of one port, with faults. */
export class TcpLink {
  mode: LinkMode = 'pass';
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #accepted = 0;

  private constructor(server: Server, target: number) {
    this.#server = server;
    server.on('connection', (near) => {
      this.#accepted += 1;
      if (this.mode === 'refuse') near.destroy();
      else this.#join(near, connect({ port: target, host: '127.0.0.1' }));
    });
  }

  static async to(target: number): Promise<TcpLink> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpLink(server, target);
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return address.port;
  }

  /** Connections that came so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Ends the connections that there are. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.hangUp();
    await closed;
  }

  #join(near: Socket, far: Socket): void {
    const end = (): void => {
      near.destroy();
      far.destroy();
      this.#sockets.delete(near);
    };
    this.#sockets.add(near);
    for (const socket of [near, far]) socket.on('error', end).on('close', end);
    near.on('data', (bytes: Buffer) => {
      if (this.mode !== 'loseRequests') far.write(bytes);
    });
    far.on('data', (bytes: Buffer) => {
      if (this.mode !== 'loseAnswers') near.write(bytes);
    });
  }
}
