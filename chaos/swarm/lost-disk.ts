import { storeDirectory } from '../sim/file-sim-store.ts';
import type { ClusterManager } from '../sim/cluster-manager.ts';
import { identityOf } from '../sim/cluster-world.ts';
import { prepareMember } from '../../src/store/raft/open-raft-store.ts';
import type { Recorder } from './recorder.ts';
import type { Target } from './scenario.ts';
import type { Stage } from './stage.ts';

/** Between two tries of the person, and for how long one is waited for, ms. */
const retryMs = 1000;
const answerMs = 5000;

/**
 * A manager's machine dies with what was on its disk, and comes back with an empty one: its manager
 * refuses to start. What ends it is a person who does what `kennel manager rebuild` does. One at a
 * time, and not while another member is a learner: the rest must be a quorum that holds everything.
 */
export function loseDisk(stage: Stage, recorder: Recorder, target: Target): (() => void) | null {
  const manager = stage.manager(target);
  if (manager === null || manager.machine.state === 'off' || !othersSuffice(stage)) return null;
  stage.lostDisks.add(manager.name);
  manager.machine.powerOff();
  manager.disk.erase(storeDirectory);
  return () => void rebuild(stage, recorder, manager);
}

function othersSuffice({ cluster, lostDisks }: Stage): boolean {
  const { store, managers } = cluster;
  if (lostDisks.size > 0 || managers.length < 3) return false;
  if (store.peers(managers[0]?.name ?? '').length === 0) return false;
  const roles = store.machine
    .list('manager/')
    .map(({ value }) => (JSON.parse(value) as { readonly role: string }).role);
  return roles.every((role) => role === 'voter');
}

async function rebuild(stage: Stage, recorder: Recorder, manager: ClusterManager): Promise<void> {
  const { world } = stage.cluster;
  const { name, machine, disk } = manager;
  let number = await newNumber(stage, name);
  while (number === null) {
    await pause(stage, retryMs);
    number = await newNumber(stage, name);
  }
  if (machine.state !== 'off') machine.powerOff();
  const env = { clock: world.env.clock, log: world.log.from('the person'), disk };
  await prepareMember({ env, directory: storeDirectory }, { number, name });
  manager.renumber(number);
  machine.powerOn();
  stage.lostDisks.delete(name);
  recorder.rebuilt();
}

/** Null when nobody leads, the leader says no, or no answer comes: it may be asked for again. */
async function newNumber(stage: Stage, name: string): Promise<number | null> {
  const { world } = stage.cluster;
  const leader = stage.leader()?.manager ?? null;
  if (leader === null) return null;
  const asked = leader.service.rebuildManager(identityOf(world, 'manager', name)).then(
    (outcome) => (outcome.kind === 'ok' ? outcome.value.number : null),
    () => null,
  );
  return Promise.race([asked, pause(stage, answerMs)]);
}

function pause({ cluster }: Stage, delayMs: number): Promise<null> {
  const { time } = cluster.world;
  return new Promise((resolve) => {
    time.schedule(delayMs, () => resolve(null), time.label('the person waits'));
  });
}
