import type { JsonValue, MessageChannel, Network, PeerIdentity } from '../../../src/env/network.ts';
import { SimNetwork } from '../network.ts';
import type { SimNetworkOptions } from '../network.ts';
import { randomFromSeed } from '../random.ts';
import { SimProcess } from '../sim-process.ts';
import { VirtualTime } from '../virtual-time.ts';

export const testClusterId = '00000000-0000-4000-8000-000000000001';

export function testIdentity(role: PeerIdentity['role'], name: string): PeerIdentity {
  return { clusterId: testClusterId, role, name, fingerprint: name.padEnd(64, '0') };
}

/** One process with its `Network` port. */
export interface Seat {
  readonly process: SimProcess;
  readonly network: Network;
}

/** A manager host `m` that listens on port 7000 and an agent host `a`, and what they heard. */
export interface NetworkWorld {
  readonly time: VirtualTime;
  readonly hub: SimNetwork;
  readonly manager: Seat;
  readonly agent: Seat;
  readonly heardByManager: JsonValue[];
  readonly heardByAgent: JsonValue[];
  /** Reasons with which channels ended, per side. */
  readonly closedAtManager: string[];
  readonly closedAtAgent: string[];
  seat(host: string, identity: PeerIdentity): Seat;
  /** Listens on the manager and connects the agent; both ends record what they hear. */
  join(): Promise<{ readonly agentEnd: MessageChannel; readonly managerEnd: MessageChannel }>;
}

export function makeNetworkWorld(
  options: SimNetworkOptions = {},
  seed: number | string = 1,
): NetworkWorld {
  const time = new VirtualTime();
  const hub = new SimNetwork(time, randomFromSeed(seed).split('network'), options);
  const seat = (host: string, identity: PeerIdentity): Seat => {
    const process = new SimProcess(time, `${host} ${identity.name}`);
    return { process, network: hub.port({ host, identity, process }) };
  };
  const manager = seat('m', testIdentity('manager', 'm'));
  const agent = seat('a', testIdentity('agent', 'a'));
  const world = {
    time,
    hub,
    manager,
    agent,
    heardByManager: [] as JsonValue[],
    heardByAgent: [] as JsonValue[],
    closedAtManager: [] as string[],
    closedAtAgent: [] as string[],
    seat,
  };
  return { ...world, join: () => joinUp(world) };
}

async function joinUp(
  world: Omit<NetworkWorld, 'join'>,
): Promise<{ agentEnd: MessageChannel; managerEnd: MessageChannel }> {
  let agentEnd: MessageChannel | null = null;
  let managerEnd: MessageChannel | null = null;
  const run = async (): Promise<void> => {
    await world.manager.network.listen({ host: 'm', port: 7000 }, (channel) => {
      managerEnd = channel;
      channel.onMessage((message) => world.heardByManager.push(message));
      channel.onClose((reason) => world.closedAtManager.push(reason));
    });
    const result = await world.agent.network.connect(
      { host: 'm', port: 7000 },
      { expectRole: 'manager', timeoutMs: 10_000 },
    );
    if (result.kind === 'failed') throw new Error(result.detail);
    agentEnd = result.channel;
    agentEnd.onMessage((message) => world.heardByAgent.push(message));
    agentEnd.onClose((reason) => world.closedAtAgent.push(reason));
  };
  const joined = run();
  await world.time.runUntil(() => agentEnd !== null, 20_000);
  await joined;
  if (agentEnd === null || managerEnd === null) throw new Error('did not join');
  return { agentEnd, managerEnd };
}
