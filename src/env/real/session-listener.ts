import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { KennelError } from '../../errors/kennel-error.ts';
import type { CertificateCheck } from '../../pki/certificate-identity.ts';
import type { CredentialSource } from '../../pki/credentials.ts';
import { followCredentials, peerOfSocket, secureContextOptions } from '../../pki/tls.ts';
import type { Log } from '../log.ts';
import type { Listener, MessageChannel, NetworkAddress } from '../network.ts';
import { SessionChannel } from './session-channel.ts';
import {
  keepAliveDelayMs,
  sessionContentType,
  sessionPath,
  windowBytes,
  type SessionLimits,
} from './session-protocol.ts';

/**
 * Accepts sessions. A peer whose certificate is not good gets HTTP 403 with the reason, and no
 * channel. Throws `KennelError` E_PREREQUISITE when the address cannot be had.
 */
export async function listenForSessions(options: {
  readonly address: NetworkAddress;
  readonly accept: (channel: MessageChannel) => void;
  readonly credentials: CredentialSource;
  readonly limits: SessionLimits;
  readonly log: Log;
}): Promise<Listener> {
  const server = createSecureServer({
    ...secureContextOptions(options.credentials()),
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: options.limits.openMs,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveDelayMs,
    settings: { maxConcurrentStreams: 1, initialWindowSize: windowBytes, enablePush: false },
  });
  followCredentials(server, options.credentials, options.log);
  const open = new OpenSessions(options);
  open.attach(server);
  await listening(server, options.address);
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : options.address.port;
  return {
    address: { host: options.address.host, port },
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      open.close();
      await closed;
    },
  };
}

async function listening(server: Http2SecureServer, address: NetworkAddress): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: Error) => reject(cannotListen(address, error)));
    server.listen({ host: address.host, port: address.port, backlog: 1024 }, resolve);
  });
}

const cannotListen = (address: NetworkAddress, error: Error): KennelError =>
  new KennelError(
    {
      code: 'E_PREREQUISITE',
      what: `cannot listen on ${address.host}:${address.port}`,
      because: error.message,
      so: 'no session can be accepted',
      try: ['see which process uses the port: ss -ltnp', 'give another address or port'],
    },
    { cause: error },
  );

/** Everything that has to end with the listener: sockets in their handshake, sessions, channels. */
class OpenSessions {
  readonly #options: Parameters<typeof listenForSessions>[0];
  readonly #sockets = new Set<Socket>();
  readonly #idle = new Set<ServerHttp2Session>();
  readonly #channels = new Set<SessionChannel>();

  constructor(options: Parameters<typeof listenForSessions>[0]) {
    this.#options = options;
  }

  attach(server: Http2SecureServer): void {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('session', (session) => this.#await(session));
    server.on('tlsClientError', (error: Error) => {
      this.#options.log.debug({ err: error }, 'a handshake failed');
    });
  }

  close(): void {
    for (const channel of this.#channels) channel.close('the listener was closed');
    for (const session of this.#idle) session.destroy();
    if (this.#channels.size === 0) this.#dropSockets();
    else setTimeout(() => this.#dropSockets(), this.#options.limits.lingerMs);
  }

  #dropSockets(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #await(session: ServerHttp2Session): void {
    this.#idle.add(session);
    const late = setTimeout(() => session.destroy(), this.#options.limits.openMs);
    session.on('error', () => undefined);
    session.once('close', () => {
      clearTimeout(late);
      this.#idle.delete(session);
    });
    session.once('stream', (stream, headers) => {
      const check = this.#check(session);
      const isSession = headers[':method'] === 'POST' && headers[':path'] === sessionPath;
      if (check.kind === 'refused' || !isSession) {
        stream.on('error', () => undefined);
        const detail = check.kind === 'refused' ? check.detail : `only POST ${sessionPath} is here`;
        stream.respond({ ':status': check.kind === 'refused' ? 403 : 404 });
        stream.end(detail);
        session.close();
        return;
      }
      clearTimeout(late);
      this.#idle.delete(session);
      session.setLocalWindowSize(windowBytes);
      stream.respond({ ':status': 200, 'content-type': sessionContentType });
      const { limits } = this.#options;
      const channel = new SessionChannel({ peer: check.identity, session, stream, limits });
      this.#channels.add(channel);
      stream.once('close', () => this.#channels.delete(channel));
      this.#options.accept(channel);
    });
  }

  #check(session: ServerHttp2Session): CertificateCheck {
    const nowIso = new Date().toISOString();
    return peerOfSocket(session.socket as TLSSocket, this.#options.credentials(), { nowIso });
  }
}
