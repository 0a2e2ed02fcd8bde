import type { ManagerList } from '../../api/schema/session.ts';
import { epoch, type NodeId } from '../../core/model/ids.ts';
import { defaultSettings, type TimingSettings } from '../../core/model/settings.ts';
import type { Observations } from '../../core/observations.ts';
import type { Hello } from '../agent-session.ts';
import type { WaitingHeartbeat } from '../lease-granter.ts';
import { Mirror } from '../mirror.ts';
import { ObservationBook } from '../observation-book.ts';
import { SessionHub, type LeadingListener } from '../session-hub.ts';
import { FakeAgent, type FakeAgentOptions } from './fake-agent.ts';
import { ManagerWorld, sessionPort } from './manager-world.ts';
import { testCluster } from './test-objects.ts';

/** A leadership that admits whom the test lets in, grants at once, and counts. */
export class FakeLeading implements LeadingListener {
  readonly epoch = 7;
  readonly heartbeats: WaitingHeartbeat[] = [];
  readonly hellos: { readonly hello: Hello; readonly fingerprint: string }[] = [];
  refusal: string | null = null;
  lease = true;
  matters = false;
  managers: ManagerList | null = null;
  observations = 0;
  onObserved: () => void = () => {};

  admitSession(hello: Hello, fingerprint: string): string | null {
    this.hellos.push({ hello, fingerprint });
    return this.refusal;
  }

  addressOf(node: NodeId): string | null {
    return `10.0.0.${node.slice(-1)}`;
  }

  heartbeat(heartbeat: WaitingHeartbeat): void {
    this.heartbeats.push(heartbeat);
    heartbeat.answer(this.lease);
  }

  observed(): void {
    this.observations += 1;
    this.onObserved();
  }

  managerList(): ManagerList | null {
    return this.managers;
  }

  heartbeatMatters(): boolean {
    return this.matters;
  }
}

/** A hub that listens as the manager `m-1`, and whatever leads it. */
export async function hubBench() {
  const world = new ManagerWorld();
  const { env, process } = world.managerEnv();
  const book = new ObservationBook(env.clock);
  let timing: TimingSettings = defaultSettings('default').timing;
  /** Managers that dialled. */
  const peers: string[] = [];
  const hub = new SessionHub(
    env,
    {
      clusterId: testCluster,
      manager: 'm-1',
      timing: () => timing,
      admittedBoot: () => null,
      onPeer: (channel) => {
        peers.push(channel.peer.name);
        channel.close('only agents and managers of this test');
      },
    },
    book,
  );
  const address = { host: 'm-1', port: sessionPort };
  await world.wait(env.network.listen(address, (channel) => hub.accept(channel)));
  const mirror = new Mirror(epoch(1), env.clock, defaultSettings('default'));
  return {
    world,
    process,
    hub,
    book,
    peers,
    observe: (): Observations => book.observe(mirror),
    setTiming: (next: TimingSettings): void => {
      timing = next;
    },
    /** Dials and says hello; what becomes of it is for the test to see. */
    dial: async (options: FakeAgentOptions): Promise<FakeAgent> => {
      const agent = new FakeAgent(world, options);
      await agent.dial();
      await world.until(() => agent.welcomes.length > 0 || agent.closed !== null);
      return agent;
    },
  };
}
