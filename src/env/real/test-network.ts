import { afterEach, beforeAll, expect, vi } from 'vitest';
import type { Credentials } from '../../pki/credentials.ts';
import { makeTestCluster, type TestCluster } from '../../pki/test-credentials.ts';
import type { Log } from '../log.ts';
import type {
  ConnectResult,
  JsonValue,
  Listener,
  MessageChannel,
  Network,
  PeerIdentity,
} from '../network.ts';
import { realNetwork } from './network.ts';
import { sessionLimits } from './session-protocol.ts';

export const loopback = { host: '127.0.0.1', port: 0 };
export const quickLimits = { ...sessionLimits, lingerMs: 100 };

/** For tests: two clusters, and what is opened is closed after each test. */
export interface TestNetwork {
  readonly cluster: TestCluster;
  readonly foreign: TestCluster;
  readonly manager: Credentials;
  readonly agent: Credentials;
  readonly log: Log;
  readonly warnings: readonly string[];
  /** Runs after the test, last first. */
  cleanup(action: () => unknown): void;
  networkOf(credentials: Credentials): Network;
  listen(network: Network): Promise<{ listener: Listener; accepted: MessageChannel[] }>;
  dial(
    network: Network,
    listener: Pick<Listener, 'address'>,
    expectRole?: PeerIdentity['role'],
  ): Promise<ConnectResult>;
  connected(network: Network, listener: Listener): Promise<MessageChannel>;
}

export const until = (condition: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(condition()).toBe(true), { timeout: 8000, interval: 5 });

export function collect(channel: MessageChannel): { messages: JsonValue[]; closed: string[] } {
  const seen: { messages: JsonValue[]; closed: string[] } = { messages: [], closed: [] };
  channel.onMessage((message) => seen.messages.push(message));
  channel.onClose((reason) => seen.closed.push(reason));
  return seen;
}

/** Registers the hooks of a test file. */
export function useTestNetwork(): TestNetwork {
  const warnings: string[] = [];
  const cleanups: (() => unknown)[] = [];
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (_fields, message) => void warnings.push(message),
    error: () => undefined,
    child: () => log,
  };
  const dial: TestNetwork['dial'] = async (network, listener, expectRole = 'manager') => {
    const result = await network.connect(listener.address, { expectRole, timeoutMs: 10_000 });
    if (result.kind === 'connected') cleanups.push(() => result.channel.close('test over'));
    return result;
  };
  const rest: Omit<TestNetwork, 'cluster' | 'foreign' | 'manager' | 'agent'> = {
    log,
    warnings,
    dial,
    cleanup: (action) => void cleanups.push(action),
    networkOf: (credentials) => realNetwork(() => credentials, { log, limits: quickLimits }),
    listen: async (network) => {
      const accepted: MessageChannel[] = [];
      const listener = await network.listen(loopback, (channel) => accepted.push(channel));
      cleanups.push(() => listener.close());
      return { listener, accepted };
    },
    connected: async (network, listener) => {
      const result = await dial(network, listener);
      if (result.kind === 'failed') throw new Error(result.detail);
      return result.channel;
    },
  };
  const world = rest as { -readonly [Name in keyof TestNetwork]: TestNetwork[Name] };
  beforeAll(async () => {
    world.cluster = await makeTestCluster();
    world.foreign = await makeTestCluster('11111111-2222-4333-8444-555555555555');
    world.manager = await world.cluster.issue('manager', 'mgr-1');
    world.agent = await world.cluster.issue('agent', 'node-1');
  });
  afterEach(async () => {
    for (const action of cleanups.splice(0).reverse()) await action();
    warnings.length = 0;
  });
  return world;
}
