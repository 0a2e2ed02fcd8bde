import { DeviceQueues } from '../../../fencing/device-queue.ts';
import { driversOf } from '../../../fencing/registry.ts';
import { vmId } from '../../core/model/ids.ts';
import { defaultSettings } from '../../core/model/settings.ts';
import type { VmRecord, VmSpec } from '../../core/model/vm.ts';
import { problem, type Outcome } from '../../core/problem.ts';
import { createVm } from '../../core/request/vm.ts';
import { SecretBox } from '../../pki/cluster-keys.ts';
import type { MemoryStore } from '../../store/memory/memory-store.ts';
import type { Leadership, Store, Transaction, WriteOutcome } from '../../store/store.ts';
import { FenceSecrets } from '../fence-secrets.ts';
import { Leader } from '../leader.ts';
import { managerMetrics, type ManagerMetrics } from '../metrics.ts';
import { Mirror } from '../mirror.ts';
import { NotedLeadership } from '../noted-leadership.ts';
import { ObservationBook } from '../observation-book.ts';
import { unknownNode } from '../problems.ts';
import { SessionHub } from '../session-hub.ts';
import { StallMeter } from '../stall-meter.ts';
import { ManagerWorld, type Seed } from './manager-world.ts';
import { testCluster, testKeys, uuidOf, vmSpec } from './test-objects.ts';

const never = new AbortController().signal;

/** One leadership without the manager around it, over a memory store that a test may bend. */
export class LeaderBench {
  readonly world: ManagerWorld;
  readonly client: MemoryStore;
  readonly leadership: Leadership;
  readonly leader: Leader;
  readonly metrics: ManagerMetrics = managerMetrics();
  readonly sent: Transaction[] = [];
  /** A refusal of the test's own. */
  readonly gone = problem(unknownNode('gone'));
  /** Replaces calls on the store for as long as it is set. */
  bend: Partial<Pick<Store, 'txn'>> = {};
  /** How often the leadership still says that it is valid. */
  validFor = Infinity;

  /** A leadership that has not begun to decide. */
  static async of(...seeds: readonly Seed[]): Promise<LeaderBench> {
    const world = new ManagerWorld();
    if (seeds.length > 0) await world.seed(...seeds);
    const { env } = world.managerEnv();
    const client = world.store.connect('m-1', env);
    const leadership = await world.wait(client.campaign({ candidate: 'm-1', signal: never }));
    const mirror = new Mirror(leadership.epoch, env.clock, defaultSettings('default'));
    await world.wait(mirror.load(client));
    return new LeaderBench(world, client, leadership, mirror);
  }

  private constructor(
    world: ManagerWorld,
    client: MemoryStore,
    leadership: Leadership,
    mirror: Mirror,
  ) {
    const { env } = world.managerEnv();
    this.world = world;
    this.client = client;
    this.leadership = {
      key: leadership.key,
      epoch: leadership.epoch,
      createRevision: leadership.createRevision,
      lost: leadership.lost,
      isValid: () => {
        this.validFor -= 1;
        return this.validFor >= 0 && leadership.isValid();
      },
      confirm: () => leadership.confirm(),
      resign: () => leadership.resign(),
    };
    const book = new ObservationBook(env.clock);
    const store: Store = {
      get: (key) => client.get(key),
      list: (prefix) => client.list(prefix),
      txn: (transaction) => {
        this.sent.push(transaction);
        return (this.bend.txn ?? client.txn.bind(client))(transaction);
      },
      watch: (prefix, from, listener) => client.watch(prefix, from, listener),
      campaign: (options) => client.campaign(options),
      status: () => client.status(),
      close: () => client.close(),
    };
    const { timing } = defaultSettings('default');
    const identity = {
      clusterId: testCluster,
      manager: 'm-1',
      timing: () => timing,
      admittedBoot: () => null,
      onPeer: () => {},
    };
    this.leader = new Leader({
      env,
      store,
      leadership: new NotedLeadership(this.leadership, env.clock),
      mirror,
      book,
      stalls: new StallMeter(env, book),
      hub: new SessionHub(env, identity, book),
      drivers: driversOf([world.fencing.driver]),
      queues: new DeviceQueues(env),
      metrics: this.metrics,
      secrets: new FenceSecrets(store, new SecretBox(testKeys, () => env.random.uuid())),
      clusterId: testCluster,
      onRoster: () => {},
      onEvents: () => {},
    });
  }

  create(
    name: string,
    number: number,
    options: { readonly dryRun?: boolean } = {},
    spec: Partial<VmSpec> = {},
  ): Promise<Outcome<VmRecord>> {
    const id = vmId(uuidOf(number + 1));
    return this.leader.mutate(
      (draft) => createVm(draft, { id, spec: vmSpec(name, spec), desired: 'stopped', home: null }),
      options,
    );
  }

  /** A write whose answer is lost, and so is the write. */
  unanswered(transaction: Transaction): Promise<WriteOutcome> {
    this.world.store.makeNextWriteAmbiguous('m-1', 'lost');
    return this.client.txn(transaction);
  }

  async decisions(): Promise<number> {
    return (await this.metrics.decisions.get()).values[0]?.value ?? 0;
  }
}
