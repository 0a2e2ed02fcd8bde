import { ensureEtcd } from '../../deploy/lab/etcd.ts';
import type { WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';
import { pause } from './jepsen-clients.ts';

/** What is done to a manager, or to the member of etcd beside it. */
const faults = ['kill', 'stop', 'cut', 'killEtcd', 'stopEtcd'] as const;
type Fault = (typeof faults)[number];

export type FaultCounts = Readonly<Record<Fault | 'twoAtOnce', number>>;

/**
 * Strikes managers until it is told to end, the leader half of the time: killed and started again,
 * stopped and woken, cut off by their cable. Where the store is etcd, a cable takes its member along,
 * and members are killed and stopped too. Sometimes two at once, so that there is no quorum.
 */
export async function strike(
  site: WatchedCluster,
  store: 'raft' | 'etcd',
  goOn: () => boolean,
): Promise<FaultCounts> {
  const counts = { kill: 0, stop: 0, cut: 0, killEtcd: 0, stopEtcd: 0, twoAtOnce: 0 };
  const possible = faults.filter((fault) => store === 'etcd' || !fault.endsWith('Etcd'));
  while (goOn()) {
    const first = await victim(site);
    const victims = Math.random() < 0.15 ? [first, (first % 3) + 1] : [first];
    if (victims.length > 1) counts.twoAtOnce += 1;
    const ends: (() => Promise<void>)[] = [];
    for (const manager of victims) {
      const fault = possible[Math.floor(Math.random() * possible.length)] ?? 'kill';
      counts[fault] += 1;
      ends.push(await begin(site, fault, manager));
    }
    await pause(1000 + Math.random() * 6000);
    // Side by side: a manager that is started waits for a leader, which the others may hinder.
    await Promise.all(ends.map((end) => end()));
    // Time for a leader, so that not all of it is spent without one.
    await pause(1500 + Math.random() * 2500);
  }
  return counts;
}

async function victim({ cluster }: WatchedCluster): Promise<number> {
  if (Math.random() < 0.5) return 1 + Math.floor(Math.random() * 3);
  const view = await cluster.client.managers({ timeoutMs: 3000 });
  const leader = view.kind === 'ok' ? view.value.managers.find(({ leads }) => leads) : undefined;
  return leader?.number ?? 1;
}

/** What ends it. */
async function begin(
  { cluster, lab }: WatchedCluster,
  fault: Fault,
  manager: number,
): Promise<() => Promise<void>> {
  const etcd = () => lab.process(`etcd-${manager}`);
  switch (fault) {
    case 'kill':
      cluster.manager(manager).signal('SIGKILL');
      return async () => void (await cluster.startManager(manager));
    case 'stop':
      cluster.manager(manager).signal('SIGSTOP');
      return async () => void cluster.manager(manager).signal('SIGCONT');
    case 'cut':
      await lab.setManagerCable(manager, 'down');
      return () => lab.setManagerCable(manager, 'up');
    case 'killEtcd':
      await etcd().kill();
      return async () => void (await ensureEtcd(lab));
    case 'stopEtcd':
      etcd().signal('SIGSTOP');
      return async () => void etcd().signal('SIGCONT');
    default:
      return fault satisfies never;
  }
}
