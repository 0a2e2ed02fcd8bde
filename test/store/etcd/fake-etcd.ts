import {
  Server,
  ServerCredentials,
  status,
  type handleBidiStreamingCall,
  type handleUnaryCall,
  type MethodDefinition,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
} from '@grpc/grpc-js';
import type { Decoded, Encodable } from '../../../src/store/etcd/rpc/message.ts';
import { methods, type Method } from '../../../src/store/etcd/rpc/methods.ts';
import type { leaseKeepAliveRequest, watchRequest } from '../../../src/store/etcd/rpc/messages.ts';
import type { EtcdEndpoint } from '../../../src/store/etcd/settings.ts';
import { FakeKeys } from './fake-keys.ts';

/** What becomes of one call. `commitThenUnavailable`: it takes effect, and the answer says it failed. */
export type Behaviour =
  | 'answer'
  | 'commitThenUnavailable'
  | 'unavailable'
  | 'hang'
  | 'outOfSpace'
  | 'tokenRefused';

type WatchStream = ServerDuplexStream<
  Decoded<typeof watchRequest>,
  Encodable<(typeof methods.watch)['response']>
>;

/**
 * A server that speaks as much of etcd's API as the driver uses, and misbehaves on purpose where a
 * real one cannot be brought to do so.
 */
export class FakeEtcd {
  readonly keys = new FakeKeys();
  /** Paths of the calls that came, in order. */
  readonly calls: string[] = [];
  /** Tokens that came with transactions; undefined = none. */
  readonly tokens: (string | undefined)[] = [];
  readonly startRevisions: number[] = [];
  version = '3.5.21';
  clusterId = 7n;
  /** Asked for each transaction; reading ones are left in peace. */
  onWrite: () => Behaviour = () => 'answer';
  onRead: () => Behaviour = () => 'answer';
  /** Plays one watch stream; `number` counts from 1. By default it is created and then silent. */
  onWatch: (stream: WatchStream, number: number, startRevision: number) => void = (stream) => {
    stream.write({ header: this.#header(), created: true });
  };
  answersProgress = true;
  answersRenewals = true;
  readonly #server = new Server();
  #port = 0;
  #authentications = 0;
  #renewedMs = 0;

  static async start(): Promise<FakeEtcd> {
    const fake = new FakeEtcd();
    fake.#port = await new Promise<number>((resolve, reject) => {
      fake.#addMethods();
      fake.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
    return fake;
  }

  get endpoint(): EtcdEndpoint {
    return { host: '127.0.0.1', port: this.#port };
  }

  /** Authentications so far. The token of the n-th is `token-n`. */
  get authentications(): number {
    return this.#authentications;
  }

  /** When the last renewal that was answered came. */
  get renewedMs(): number {
    return this.#renewedMs;
  }

  count(method: { readonly path: string }): number {
    return this.calls.filter((path) => path === method.path).length;
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  #header() {
    return { clusterId: this.clusterId, memberId: 1n, revision: this.keys.revision };
  }

  #addMethods(): void {
    const header = () => this.#header();
    this.#unary(methods.range, ({ request }, answer) => {
      const evaluate = () => ({ header: header(), kvs: this.keys.range(request) });
      this.#behave(this.onRead(), evaluate, answer);
    });
    this.#unary(methods.txn, (call, answer) => {
      const { request } = call;
      const isWrite = FakeKeys.writes(request);
      if (isWrite) this.tokens.push(call.metadata.get('token')[0]?.toString());
      const evaluate = () => {
        const done = this.keys.txn(request);
        return { ...done, header: header() };
      };
      this.#behave(isWrite ? this.onWrite() : this.onRead(), evaluate, answer);
    });
    this.#unary(methods.status, (_call, answer) =>
      answer(null, { header: header(), version: this.version, leader: 1n }),
    );
    this.#unary(methods.leaseGrant, ({ request }, answer) => {
      answer(null, { header: header(), id: request.id, ttl: request.ttl });
    });
    this.#unary(methods.leaseRevoke, ({ request }, answer) => {
      this.keys.revoke(request.id);
      answer(null, { header: header() });
    });
    this.#unary(methods.authenticate, (_call, answer) => {
      this.#authentications += 1;
      answer(null, { header: header(), token: `token-${this.#authentications}` });
    });
    this.#streams(methods.leaseKeepAlive, (stream) => {
      stream.on('data', ({ id }: Decoded<typeof leaseKeepAliveRequest>) => {
        if (!this.answersRenewals) return;
        this.#renewedMs = performance.now();
        stream.write({ header: header(), id, ttl: 2 });
      });
    });
    this.#streams(methods.watch, (stream) => {
      let number = 0;
      stream.on('data', ({ create, progress }: Decoded<typeof watchRequest>) => {
        if (create !== null) {
          number = this.startRevisions.push(create.startRevision);
          this.onWatch(stream, number, create.startRevision);
        } else if (progress !== null && this.answersProgress) {
          stream.write({ header: header(), watchId: -1 });
        }
      });
    });
  }

  #behave<Answer>(
    behaviour: Behaviour,
    evaluate: () => Answer,
    answer: sendUnaryData<Answer>,
  ): void {
    const fail = (code: status, details: string): void => {
      answer({ code, details, message: details, name: 'ServiceError' });
    };
    switch (behaviour) {
      case 'answer':
        answer(null, evaluate());
        break;
      case 'commitThenUnavailable':
        evaluate();
        fail(status.UNAVAILABLE, 'transport is closing');
        break;
      case 'unavailable':
        fail(status.UNAVAILABLE, 'etcdserver: leader changed');
        break;
      case 'tokenRefused':
        fail(status.UNAUTHENTICATED, 'etcdserver: invalid auth token');
        break;
      case 'outOfSpace':
        fail(status.RESOURCE_EXHAUSTED, 'etcdserver: mvcc: database space exceeded');
        break;
      case 'hang':
        break;
      default:
        behaviour satisfies never;
    }
  }

  #unary<Request, In, Out, Response>(
    method: Method<Request, In, Out, Response>,
    handle: (call: ServerUnaryCall<Request, Response>, answer: sendUnaryData<Response>) => void,
  ): void {
    const counted: handleUnaryCall<Request, Response> = (call, answer) => {
      this.calls.push(method.path);
      handle(call, answer);
    };
    this.#server.addService(
      { [method.path]: definition(method, false) },
      { [method.path]: counted },
    );
  }

  #streams<Request, In, Out, Response>(
    method: Method<Request, In, Out, Response>,
    handle: (stream: ServerDuplexStream<Request, Response>) => void,
  ): void {
    const counted: handleBidiStreamingCall<Request, Response> = (stream) => {
      this.calls.push(method.path);
      stream.on('error', () => undefined);
      stream.on('end', () => stream.end());
      handle(stream);
    };
    this.#server.addService(
      { [method.path]: definition(method, true) },
      { [method.path]: counted },
    );
  }
}

function definition<Request, In, Out, Response>(
  { path, request, response }: Method<Request, In, Out, Response>,
  isStream: boolean,
): MethodDefinition<Request, Response> {
  return {
    path,
    requestStream: isStream,
    responseStream: isStream,
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (value) => Buffer.from(response.encode(value)),
    // Never used by a server.
    requestSerialize: () => Buffer.alloc(0),
    responseDeserialize: () => {
      throw new Error('a server reads no responses');
    },
  };
}
