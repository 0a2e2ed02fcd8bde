import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import type { ByteStream, Dial } from './byte-stream.ts';

/** Wraps a socket of `node:net`. The event loop is never blocked, whatever the peer does. */
function socketStream(socket: Socket): ByteStream {
  let closed = false;
  let reason = 'closed by the peer';
  socket.on('error', (error) => {
    reason = error.message;
  });
  return {
    write: (bytes) => {
      if (!closed && socket.writable) socket.write(bytes);
    },
    onData: (listener) => {
      socket.on('data', (chunk) => {
        listener(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      });
    },
    onClose: (listener) => {
      socket.once('close', () => {
        closed = true;
        listener(reason);
      });
    },
    close: (because) => {
      if (closed) return;
      closed = true;
      reason = because;
      socket.destroy();
    },
  };
}

/** Connects to libvirtd's local socket, usually `/run/libvirt/libvirt-sock`. */
export function dialUnix(path: string): Dial {
  return () => socketStream(connect({ path }));
}

/** Serves a unix socket. `accept` gets one stream per client. */
export function listenUnix(
  path: string,
  accept: (stream: ByteStream) => void,
): Promise<{ close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    accept(socketStream(socket));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      resolve({
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            for (const socket of sockets) socket.destroy();
          }),
      });
    });
  });
}
