import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

interface PeerConnection {
  readonly near: Socket;
  /** Member id of the dialling side as etcd writes it, in hexadecimal; null = it did not say. */
  readonly from: string | null;
}

/**
 * A TCP proxy in front of a member's peer port. Members say who they are in the first request of a
 * connection, so links between single members can be cut, in both directions.
 */
export class PeerLink {
  readonly #server: Server;
  readonly #target: number;
  readonly #connections = new Set<PeerConnection>();
  readonly #mayPass: (from: string | null) => boolean;

  private constructor(server: Server, target: number, mayPass: (from: string | null) => boolean) {
    this.#server = server;
    this.#target = target;
    this.#mayPass = mayPass;
    server.on('connection', (near) => this.#accept(near));
  }

  /** Listens on `port`. `mayPass` is asked for each connection and on each `judge`. */
  static async listen(
    port: number,
    target: number,
    mayPass: (from: string | null) => boolean,
  ): Promise<PeerLink> {
    const server = createServer();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return new PeerLink(server, target, mayPass);
  }

  /** Ends the connections that may no longer pass. */
  judge(): void {
    for (const { near, from } of this.#connections) if (!this.#mayPass(from)) near.destroy();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const { near } of this.#connections) near.destroy();
    await closed;
  }

  #accept(near: Socket): void {
    let head = Buffer.alloc(0);
    near.on('error', () => near.destroy());
    const read = (bytes: Buffer): void => {
      head = Buffer.concat([head, bytes]);
      if (!head.includes('\r\n\r\n')) return;
      near.off('data', read);
      near.pause();
      const from = /\r\nx-server-from: *([0-9a-f]+)/i.exec(head.toString('latin1'))?.[1] ?? null;
      if (this.#mayPass(from)) this.#join({ near, from }, head);
      else near.destroy();
    };
    near.on('data', read);
  }

  #join(connection: PeerConnection, head: Buffer): void {
    const { near } = connection;
    const far = connect({ port: this.#target, host: '127.0.0.1' });
    const end = (): void => {
      near.destroy();
      far.destroy();
      this.#connections.delete(connection);
    };
    this.#connections.add(connection);
    for (const socket of [near, far]) socket.on('error', end).on('close', end);
    far.write(head);
    near.pipe(far);
    far.pipe(near);
  }
}
