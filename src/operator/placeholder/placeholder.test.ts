import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FakeAgent } from '../../manager/testing/fake-agent.ts';
import { incarnationOf } from '../../manager/testing/test-objects.ts';
import { hypervisors, migrations } from '../crd/kinds.ts';
import { listPath } from '../kube/resource.ts';
import { hypervisorLabel, kubeNodes } from '../kube-node/kube-node.ts';
import { conditionOf, machine, OperatorWorld } from '../testing/operator-world.ts';
import { pods } from './placeholder-pod.ts';

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: {
    readonly nodeName?: string;
    readonly containers?: readonly {
      readonly resources: { readonly requests: { readonly memory: string; readonly cpu: string } };
    }[];
  };
}

const namespace = 'kennel-system';
let it = new OperatorWorld();
let agents: FakeAgent[] = [];

beforeEach(async () => {
  it = new OperatorWorld();
  it.placeholders = { namespace, image: 'pause' };
  for (const name of ['node-1', 'node-2']) {
    await it.kubeNode(name, { bootId: incarnationOf(name).bootId });
  }
  await it.start();
  agents = [await it.world.agent({ node: 'node-1' }), await it.world.agent({ node: 'node-2' })];
  await it.until(() => it.world.node('node-2').phase === 'online');
  await it.apply('db', machine());
  await it.until(() => it.status('db')['phase'] === 'Running');
});
afterEach(() => it.stop());

/** As they are on the server, whatever the operator has heard. */
const all = (): readonly Pod[] => it.kube.all(pods) as unknown as readonly Pod[];
const home = (): string => String(it.status('db')['hypervisor']);
const other = (): string => (home() === 'node-1' ? 'node-2' : 'node-1');
/** `node-1 1024Mi 125m` of every pod. */
const reserved = (): readonly string[] =>
  all().map(({ spec }) => {
    const { memory, cpu } = spec.containers?.[0]?.resources.requests ?? { memory: '', cpu: '' };
    return `${spec.nodeName} ${memory} ${cpu}`;
  });
const one = (): Pod => {
  const [pod] = all();
  if (pod === undefined) throw new Error('no pod');
  return pod;
};
const where = (pod: Pod) => ({ namespace, name: pod.metadata.name });
const fail = (pod: Pod) => it.change(pods, where(pod), { status: { phase: 'Failed' } });

describe('a VM on a hypervisor that is a Node', () => {
  test('is seen by the scheduler as a pod that asks for as much, bound to that Node', async () => {
    await it.until(() => all().length === 1);
    // A vCPU is an eighth of a CPU: as many as Kennel promises on one.
    expect(reserved()).toEqual([`${home()} 1024Mi 125m`]);
    const shown = it.find(hypervisors, { name: home() });
    expect(one()).toMatchObject({
      metadata: { ownerReferences: [{ uid: shown?.metadata.uid, controller: true }] },
      spec: { tolerations: [{ operator: 'Exists' }], automountServiceAccountToken: false },
    });
    await it.until(() => {
      const hypervisor = it.find(hypervisors, { name: home() });
      return conditionOf(hypervisor, 'CapacityReserved') === 'True NothingRefused';
    });
  });

  test('takes no room while it is stopped', async () => {
    await it.until(() => all().length === 1);
    await it.apply('db', machine({ desired: 'Stopped' }));
    await it.until(() => all().length === 0);
    await it.apply('db', machine());
    await it.until(() => all().length === 1);
    expect(reserved()).toEqual([`${home()} 1024Mi 125m`]);
  });

  test('takes what it is given once it is restarted', async () => {
    await it.until(() => all().length === 1);
    const at = home();
    await it.apply('db', machine({ memory: '2Gi', vcpus: 3, desired: 'Stopped' }));
    await it.until(() => it.status('db')['phase'] === 'Stopped');
    await it.apply('db', machine({ memory: '2Gi', vcpus: 3 }));
    await it.until(() => reserved().some((text) => text.endsWith('2048Mi 375m')));
    expect([reserved().length, [at, other()].includes(home())]).toEqual([1, true]);
  });

  test('takes room at both ends while it moves live, and at its new place afterwards', async () => {
    await it.until(() => all().length === 1);
    const [from, to] = [home(), other()];
    const source = agents.find(({ node }) => node === from);
    if (source === undefined) throw new Error('it runs nowhere');
    source.obedient = false;
    await it.put(migrations, { namespace: 'shop', name: 'away' }, { vmName: 'db' });
    await it.until(() => all().length === 2, 60_000);
    expect(reserved().map((text) => text.split(' ')[0])).toEqual([from, to]);
    await it.until(() => source.commands.some(({ kind }) => kind === 'migrate'));
    const command = source.commands.find(({ kind }) => kind === 'migrate');
    source.domains?.clear();
    source.answer(command?.operation ?? '', { kind: 'done' });
    source.sayReport();
    await it.until(() => reserved().join() === `${to} 1024Mi 125m`, 60_000);
  });

  test('whose hypervisor dies is reserved for where it runs now, and its failover waits for no pod', async () => {
    await it.until(() => all().length === 1);
    const lost = agents.find(({ node }) => node === home());
    it.kube.isDown = true;
    it.kube.endWatches({ kind: 'failed', failure: { kind: 'transport', message: 'reset' } });
    const device = it.world.fencing.devices.find(({ id }) => id === `${lost?.node}/bmc`);
    if (device === undefined || lost === undefined) throw new Error('nothing to lose');
    lost.process.kill('powerLoss');
    device.power = 'off';
    const owner = () => it.world.vms()[0]?.permit?.node;
    await it.until(() => owner() !== lost.node, 60_000);
    it.kube.isDown = false;
    await it.until(() => all().every(({ spec }) => spec.nodeName !== lost.node), 60_000);
    await it.until(() => all().length === 1);
    expect(reserved()).toEqual([`${owner()} 1024Mi 125m`]);
  });
});

describe('a placeholder', () => {
  beforeEach(() => it.until(() => all().length === 1));

  test('that somebody evicted is made anew', async () => {
    const { uid } = one().metadata;
    await it.drop(pods, where(one()));
    await it.until(() => all().length === 1 && one().metadata.uid !== uid);
    expect(reserved()).toEqual([`${home()} 1024Mi 125m`]);
  });

  test('that a kubelet refused is shown, and tried again after a while', async () => {
    const shown = () => it.find(hypervisors, { name: home() });
    const { uid } = one().metadata;
    await fail(one());
    await it.until(() => conditionOf(shown(), 'CapacityReserved') === 'False RefusedByKubelet');
    await it.world.run(20_000);
    expect(one().metadata.uid).toBe(uid);
    await it.until(() => all().length === 1 && one().metadata.uid !== uid);
    await it.until(() => conditionOf(shown(), 'CapacityReserved') === 'True NothingRefused');
  });

  test('is not taken away on the word of an answer that may be old', async () => {
    it.bend = (answer, call) =>
      call !== 'status' || answer.kind === 'problem'
        ? null
        : { ...answer, value: { ...(answer.value as object), ageMs: 5000, vms: [] } as never };
    await it.world.run(30_000);
    expect(all().length).toBe(1);
    it.bend = () => null;
    await it.world.run(30_000);
    expect(all().length).toBe(1);
  });

  test('moves to the Node that its hypervisor turns out to be', async () => {
    const at = home();
    const { bootId } = incarnationOf(at);
    await it.change(kubeNodes, { name: at }, { metadata: { labels: { [hypervisorLabel]: '' } } });
    await it.kubeNode('ip-7', { bootId, labels: { [hypervisorLabel]: at } });
    await it.until(() => reserved().some((text) => text.startsWith('ip-7')));
    expect(reserved()).toEqual(['ip-7 1024Mi 125m']);
  });

  test('of an operator that ended is taken over by the next, which writes nothing', async () => {
    await it.world.run(5000);
    const before = it.kube.writes.length;
    it.run();
    await it.world.run(15 * 60_000);
    expect([it.kube.writes.length, all().length]).toEqual([before, 1]);
  });

  test('is told from the pods of others, which are left alone', async () => {
    const body = { metadata: { name: 'theirs', namespace }, spec: {} };
    await it.kube.call({ method: 'POST', path: listPath(pods, namespace), body });
    it.run();
    await it.world.run(60_000);
    expect(all().map(({ metadata }) => metadata.name)).toContain('theirs');
    expect(all().length).toBe(2);
  });
});

test('where no Node is certain to be the machine nothing is reserved, until one is', async () => {
  await it.until(() => all().length === 1);
  await it.change(kubeNodes, { name: other() }, { status: { nodeInfo: { bootID: 'else' } } });
  const disks = [{ source: { sharedFile: { path: '/b' } }, format: 'Raw', bus: 'Virtio' }];
  const [there, before] = [other(), home()];
  await it.apply('web', machine({ disks, hypervisors: [there] }));
  await it.until(() => it.status('web')['hypervisor'] === there);
  await it.world.run(30_000);
  expect(reserved()).toEqual([`${before} 1024Mi 125m`]);
  const { bootId } = incarnationOf(there);
  await it.change(kubeNodes, { name: there }, { status: { nodeInfo: { bootID: bootId } } });
  await it.until(() => all().length === 2);
});

test('without an image for them there are no placeholders', async () => {
  const plain = new OperatorWorld();
  await plain.kubeNode('node-1', { bootId: incarnationOf('node-1').bootId });
  await plain.start();
  await plain.world.agent({ node: 'node-1' });
  await plain.apply('db', machine());
  await plain.until(() => plain.status('db')['phase'] === 'Running', 60_000);
  await plain.world.run(10_000);
  expect(plain.kube.all(pods)).toEqual([]);
  plain.stop();
});
