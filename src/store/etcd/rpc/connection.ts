import {
  Client,
  connectivityState,
  credentials as grpcCredentials,
  Metadata,
  type ChannelCredentials,
  type ClientDuplexStream,
  type ServiceError,
} from '@grpc/grpc-js';
import type { Timers } from '../../../env/env.ts';
import { endpointName, type EtcdEndpoint, type EtcdTls } from '../settings.ts';
import { methods, type Method } from './methods.ts';
import { grpcStatus, messageOf, RpcFailed } from './rpc-failed.ts';

/** etcd sends those away that ping more often than every 5 s ("too_many_pings"); and some jitter. */
const keepaliveMs = 6_000;

export interface StreamEvents<Response> {
  onMessage(message: Response): void;
  /** Called once, also after `cancel`. */
  onEnd(failure: RpcFailed): void;
}

export interface Stream<Request> {
  send(request: Request): void;
  cancel(): void;
}

export interface CallOptions {
  readonly timeoutMs: number;
  readonly token: string | null;
}

/**
 * One connection to one member, for one purpose. gRPC's retries, its pool of shared connections,
 * proxies and service configs are off: a call is sent once, here, or it is not sent.
 *
 * Deadlines are our own timers on the monotonic clock; gRPC's are points in wall-clock time.
 */
export class Connection {
  readonly endpoint: string;
  readonly #client: Client;
  readonly #timers: Timers;

  constructor(options: {
    readonly endpoint: EtcdEndpoint;
    readonly credentials: ChannelCredentials;
    readonly serverName: string | null;
    readonly timers: Timers;
  }) {
    const { endpoint, credentials, serverName, timers } = options;
    this.endpoint = endpointName(endpoint);
    this.#timers = timers;
    this.#client = new Client(this.endpoint, credentials, {
      'grpc.enable_retries': 0,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_http_proxy': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.enable_channelz': 0,
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      'grpc.keepalive_time_ms': keepaliveMs,
      'grpc.keepalive_timeout_ms': 2_000,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.min_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2_000,
      ...(serverName === null
        ? {}
        : {
            'grpc.ssl_target_name_override': serverName,
            'grpc.default_authority': serverName,
          }),
    });
  }

  /** Rejects with `wasSent: false` when there is no connection in time. */
  async ready(timeoutMs: number): Promise<void> {
    const channel = this.#client.getChannel();
    const state = channel.getConnectivityState(true);
    if (state === connectivityState.READY) return;
    await new Promise<void>((resolve, reject) => {
      let hasEnded = false;
      const end = (because: string | null): void => {
        if (hasEnded) return;
        hasEnded = true;
        timer.cancel();
        if (because === null) resolve();
        else reject(new RpcFailed(`${this.endpoint}: ${because}`, { code: null, wasSent: false }));
      };
      const timer = this.#timers.after(timeoutMs, () => end('no connection in time'));
      const look = (from: connectivityState): void => {
        if (hasEnded) return;
        if (from === connectivityState.READY) end(null);
        else if (from === connectivityState.SHUTDOWN) end('closed');
        else watch(from);
      };
      const watch = (from: connectivityState): void => {
        channel.watchConnectivityState(from, Infinity, (error) => {
          if (error !== undefined && error !== null) end(error.message);
          else {
            const now = channel.getConnectivityState(true);
            if (now === connectivityState.TRANSIENT_FAILURE) end('cannot connect');
            else look(now);
          }
        });
      };
      look(state);
    });
  }

  /** Why there is no connection, as far as gRPC tells: only a call that fails for it says so. */
  async whyNotReady(timeoutMs: number): Promise<string> {
    try {
      await this.call(methods.status, {}, { timeoutMs, token: null });
      return `${this.endpoint}: connected just now`;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** One call. Once this is called, only an answer can tell that it had no effect. */
  call<Request, In, Out, Response>(
    method: Method<Request, In, Out, Response>,
    request: In,
    options: CallOptions,
  ): Promise<Out> {
    return new Promise((resolve, reject) => {
      let isLate = false;
      const call = this.#client.makeUnaryRequest<In, Out>(
        method.path,
        (value) => Buffer.from(method.request.encode(value)),
        (bytes) => method.response.decode(bytes),
        request,
        metadataOf(options.token),
        (error, response) => {
          timer.cancel();
          if (error !== null) reject(isLate ? this.#late(options) : this.#failed(error));
          else if (response === undefined) reject(this.#late(options));
          else resolve(response);
        },
      );
      const timer = this.#timers.after(options.timeoutMs, () => {
        isLate = true;
        call.cancel();
      });
    });
  }

  /** A stream that ends by itself when its member has lost the other members. */
  open<Request, In, Out, Response>(
    method: Method<Request, In, Out, Response>,
    events: StreamEvents<Out>,
    options: Pick<CallOptions, 'token'>,
  ): Stream<In> {
    const metadata = metadataOf(options.token);
    metadata.set('hasleader', 'true');
    const stream: ClientDuplexStream<In, Out> = this.#client.makeBidiStreamRequest<In, Out>(
      method.path,
      (value) => Buffer.from(method.request.encode(value)),
      (bytes) => method.response.decode(bytes),
      metadata,
    );
    let hasEnded = false;
    const end = (failure: RpcFailed): void => {
      if (hasEnded) return;
      hasEnded = true;
      events.onEnd(failure);
    };
    stream.on('data', (message: Out) => {
      if (!hasEnded) events.onMessage(message);
    });
    stream.on('error', (error: ServiceError) => end(this.#failed(error)));
    stream.on('end', () => {
      end(new RpcFailed(`${this.endpoint}: the stream ended`, { code: null, wasSent: true }));
    });
    return {
      send: (request) => {
        if (!hasEnded) stream.write(request);
      },
      cancel: () => {
        end(new RpcFailed('cancelled', { code: grpcStatus.cancelled, wasSent: true }));
        stream.cancel();
      },
    };
  }

  close(): void {
    this.#client.close();
  }

  #failed(error: ServiceError): RpcFailed {
    return new RpcFailed(`${this.endpoint}: ${error.details}`, { code: error.code, wasSent: true });
  }

  #late({ timeoutMs }: CallOptions): RpcFailed {
    return new RpcFailed(`${this.endpoint}: no answer in ${Math.round(timeoutMs)} ms`, {
      code: null,
      wasSent: true,
    });
  }
}

export function credentialsOf(tls: EtcdTls | null): ChannelCredentials {
  if (tls === null) return grpcCredentials.createInsecure();
  const pem = (text: string | undefined | null): Buffer | null =>
    text === undefined || text === null ? null : Buffer.from(text);
  return grpcCredentials.createSsl(pem(tls.ca), pem(tls.client?.key), pem(tls.client?.certificate));
}

function metadataOf(token: string | null): Metadata {
  const metadata = new Metadata();
  if (token !== null) metadata.set('token', token);
  return metadata;
}
