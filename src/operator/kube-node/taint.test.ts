import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FakeAgent } from '../../manager/testing/fake-agent.ts';
import { incarnationOf } from '../../manager/testing/test-objects.ts';
import { hypervisors } from '../crd/kinds.ts';
import { conditionOf, machine, OperatorWorld } from '../testing/operator-world.ts';
import { vmNameOf } from '../vm/vm-name.ts';
import { hypervisorLabel, kubeNodes, taintsOf, type KubeTaint } from './kube-node.ts';
import { markOf } from './out-of-service.ts';

const key = 'node.kubernetes.io/out-of-service';
const theirs: KubeTaint = { key, value: 'nodeshutdown', effect: 'NoExecute' };
const unreachable: KubeTaint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' };

let it = new OperatorWorld();
let agents: FakeAgent[] = [];
/** The hypervisor that the VM runs on, which is to be lost. */
let lost: FakeAgent;

beforeEach(async () => {
  it = new OperatorWorld();
  for (const name of ['node-1', 'node-2']) {
    await it.kubeNode(name, { bootId: incarnationOf(name).bootId });
  }
  await it.start();
  agents = [await it.world.agent({ node: 'node-1' }), await it.world.agent({ node: 'node-2' })];
  await it.until(() => it.world.node('node-2').phase === 'online');
  await it.apply('db', machine());
  await it.until(() => it.status('db')['phase'] === 'Running');
  const home = it.status('db')['hypervisor'];
  const owner = agents.find((agent) => agent.node === home);
  if (owner === undefined) throw new Error('the VM runs nowhere');
  lost = owner;
});
afterEach(() => it.stop());

const kubeNode = (name = lost.node) => {
  const node = it.find(kubeNodes, { name });
  if (node === undefined) throw new Error(`no Node ${name}`);
  return node;
};
const keysOn = (name?: string): readonly string[] => taintsOf(kubeNode(name)).map((one) => one.key);
const isOut = (name?: string): boolean => keysOn(name).includes(key);
const said = (type: string): string => conditionOf(it.find(hypervisors, { name: lost.node }), type);
const phase = (): string => it.world.node(lost.node).phase;
const taint = (...taints: readonly KubeTaint[]) =>
  it.change(kubeNodes, { name: lost.node }, { spec: { taints } });
const device = () => {
  const found = it.world.fencing.devices.find(({ id }) => id === `${lost.node}/bmc`);
  if (found === undefined) throw new Error('no device');
  return found;
};

function losePower(): void {
  lost.process.kill('powerLoss');
  device().power = 'off';
}

/** The machine is switched on; its kubelet and its agent start. */
async function comeBack(): Promise<void> {
  device().power = 'on';
  const incarnation = incarnationOf(lost.node, 2);
  await it.change(
    kubeNodes,
    { name: lost.node },
    { status: { nodeInfo: { bootID: incarnation.bootId } } },
  );
  await it.world.agent({ node: lost.node, incarnation });
  await it.until(() => phase() === 'online', 60_000);
}

describe('the Node of a hypervisor that is proven off', () => {
  test('is put out of service after the proof and never before, and in service once it is admitted anew', async () => {
    await it.until(() => said('OutOfService') === 'False NotProvenOff');
    expect(said('KubernetesNode')).toBe('True SameMachine');
    losePower();
    await it.until(() => phase() !== 'online');
    while (phase() !== 'fenced') {
      expect(isOut()).toBe(false);
      await it.world.run(50);
    }
    await it.until(() => isOut(), 2000);
    expect(markOf(kubeNode())).toMatchObject({
      hypervisor: lost.node,
      fence: it.world.node(lost.node).fence,
      bootId: lost.incarnation.bootId,
      proof: 'powerOff',
    });
    await it.until(() => said('OutOfService') === 'True ProvenOff');
    const others = agents.filter((agent) => agent !== lost);
    expect(others.map(({ node }) => isOut(node))).toEqual([false]);
    await comeBack();
    await it.until(() => !isOut());
    expect([keysOn(), markOf(kubeNode())]).toEqual([[], null]);
    await it.until(() => said('OutOfService') === 'False NotProvenOff');
    expect(said('KubernetesNode')).toBe('True SameMachine');
  });

  test('is followed up once the API server is back, and was waited for by nobody', async () => {
    it.kube.isDown = true;
    it.kube.endWatches({ kind: 'failed', failure: { kind: 'transport', message: 'reset' } });
    losePower();
    await it.until(() => {
      const vm = it.world.vm(vmNameOf('shop', 'db'));
      return vm.phase === 'running' && vm.permit?.node !== lost.node;
    }, 60_000);
    expect(isOut()).toBe(false);
    it.kube.isDown = false;
    await it.until(() => isOut(), 60_000);
  });

  test('stays in service when the machine is back before the API server', async () => {
    it.kube.isDown = true;
    it.kube.endWatches({ kind: 'failed', failure: { kind: 'transport', message: 'reset' } });
    losePower();
    await it.until(() => phase() === 'fenced', 60_000);
    device().power = 'on';
    await it.world.agent({ node: lost.node, incarnation: incarnationOf(lost.node, 2) });
    await it.until(() => phase() === 'online', 60_000);
    it.kube.isDown = false;
    await it.until(() => said('KubernetesNode') === 'False OtherBoot', 60_000);
    await it.world.run(60_000);
    expect(isOut()).toBe(false);
  });

  test('is seen to by the next operator when one ends between proof and taint', async () => {
    it.stop();
    losePower();
    await it.until(() => phase() === 'fenced', 60_000);
    await it.world.run(60_000);
    expect(isOut()).toBe(false);
    it.run();
    await it.until(() => isOut());
  });

  test('is in service again although the machine came back while no operator ran', async () => {
    losePower();
    await it.until(() => isOut(), 60_000);
    it.stop();
    await comeBack();
    expect(isOut()).toBe(true);
    it.run();
    await it.until(() => !isOut());
    expect(markOf(kubeNode())).toBe(null);
  });

  test('is written to once, although its answer was lost', async () => {
    let lostAnswers = 0;
    it.kube.losesAnswerOf = ({ path }) => path.includes('/nodes/') && lostAnswers++ === 0;
    losePower();
    await it.until(() => isOut(), 60_000);
    const mark = markOf(kubeNode());
    await it.world.run(60_000);
    it.run();
    await it.world.run(15 * 60_000);
    const writes = it.kube.writes.filter(({ path }) => path.includes('/nodes/')).length;
    expect([lostAnswers, writes, markOf(kubeNode())]).toEqual([1, 1, mark]);
  });

  test('keeps the taints of others', async () => {
    losePower();
    await taint(unreachable);
    await it.until(() => isOut(), 60_000);
    expect(keysOn()).toEqual([unreachable.key, key]);
    await comeBack();
    await it.until(() => !isOut());
    expect(keysOn()).toEqual([unreachable.key]);
  });
});

describe('a taint that a person has set by hand', () => {
  test('is neither taken over nor lifted', async () => {
    await taint(theirs);
    losePower();
    await it.until(() => said('OutOfService') === 'True SetByOthers', 60_000);
    await it.until(() => phase() === 'fenced', 60_000);
    await it.world.run(10_000);
    await comeBack();
    await it.world.run(30_000);
    expect([taintsOf(kubeNode()), markOf(kubeNode())]).toEqual([[theirs], null]);
  });

  test('where ours was lifted by hand is theirs, and a lifted one is not set again', async () => {
    losePower();
    await it.until(() => isOut(), 60_000);
    await taint();
    await it.until(() => said('OutOfService') === 'False LiftedByOthers');
    await it.world.run(30_000);
    expect(isOut()).toBe(false);
    await taint(theirs);
    await comeBack();
    await it.until(() => markOf(kubeNode()) === null);
    expect(taintsOf(kubeNode())).toEqual([theirs]);
  });
});

describe('no Node is put out of service', () => {
  test('while its hypervisor is silent and not proven off; a person may prove it', async () => {
    device().failure = () => 'UNREACHABLE';
    lost.process.kill('powerLoss');
    await it.until(() => it.condition('db', 'AwaitingProof') === 'True ProofMissing', 60_000);
    await it.world.run(120_000);
    expect(isOut()).toBe(false);
    expect(said('OutOfService')).toBe('False NotProvenOff');
    const { seat } = it;
    if (seat === null) throw new Error('no manager');
    await it.world.ask(seat, (service) =>
      service.confirmOff(lost.node, { fence: null, reason: 'pulled both cords' }, it.admin),
    );
    await it.until(() => isOut());
    expect(markOf(kubeNode())?.proof).toBe('attested');
  });

  test('when its proof turns out to be wrong it is in service at once', async () => {
    lost.beats = false;
    device().power = 'off';
    lost.hangUp();
    await it.until(() => isOut(), 60_000);
    const again = await it.world.agent({
      node: lost.node,
      incarnation: incarnationOf(lost.node, 1, 2),
    });
    expect(again.incarnation.bootId).toBe(lost.incarnation.bootId);
    await it.until(() => it.world.eventCodes().includes('BMC_LIED'), 60_000);
    await it.until(() => !isOut(), 2000);
  });

  test('on the word of an answer that may be old', async () => {
    let ageMs = 5000;
    it.bend = (answer, call) => {
      if (call !== 'status' || answer.kind === 'problem') return null;
      return { ...answer, value: { ...(answer.value as object), ageMs } as never };
    };
    losePower();
    await it.until(() => said('Ready') === 'False NotOnline', 60_000);
    await it.until(() => phase() === 'fenced', 60_000);
    await it.world.run(30_000);
    expect(isOut()).toBe(false);
    ageMs = 0;
    await it.until(() => isOut());
  });

  test('when its kubelet has reported a later boot since it was looked at', async () => {
    it.kube.stallsWatches = true;
    losePower();
    await it.change(
      kubeNodes,
      { name: lost.node },
      { status: { nodeInfo: { bootID: incarnationOf(lost.node, 2).bootId } } },
    );
    await it.until(() => phase() === 'fenced', 60_000);
    await it.world.run(5000);
    // It was tried, at the version that is over.
    expect(it.kube.writes.some(({ path }) => path.endsWith(`/nodes/${lost.node}`))).toBe(true);
    expect(isOut()).toBe(false);
  });

  test('when two say that they are one hypervisor, until one of them is told otherwise', async () => {
    await it.kubeNode('imposter', {
      bootId: lost.incarnation.bootId,
      labels: { [hypervisorLabel]: lost.node },
    });
    await it.until(() => said('KubernetesNode') === 'False SeveralNodes');
    losePower();
    await it.until(() => said('OutOfService') === 'False NodeNotCertain', 60_000);
    await it.world.run(30_000);
    expect([isOut(), isOut('imposter')]).toEqual([false, false]);
    const none = { metadata: { labels: { [hypervisorLabel]: '' } } };
    await it.change(kubeNodes, { name: 'imposter' }, none);
    await it.until(() => isOut());
    expect(isOut('imposter')).toBe(false);
    await it.until(() => said('KubernetesNode') === 'True SameMachine');
  });

  test('by a name alone: one of another boot is another machine', async () => {
    await it.change(kubeNodes, { name: lost.node }, { status: { nodeInfo: { bootID: 'else' } } });
    await it.until(() => said('KubernetesNode') === 'False OtherBoot');
    losePower();
    await it.until(() => said('OutOfService') === 'False NodeNotCertain', 60_000);
    await it.world.run(30_000);
    expect(isOut()).toBe(false);
  });
});

test('a Node of another name is the machine that its label says', async () => {
  await it.change(
    kubeNodes,
    { name: lost.node },
    { metadata: { labels: { [hypervisorLabel]: '' } } },
  );
  await it.kubeNode('ip-10-0-0-7', {
    bootId: lost.incarnation.bootId,
    labels: { [hypervisorLabel]: lost.node },
  });
  await it.until(() => said('KubernetesNode') === 'True SameMachine');
  losePower();
  await it.until(() => isOut('ip-10-0-0-7'), 60_000);
  expect(isOut()).toBe(false);
});

test('where Nodes may not be seen all else goes on', async () => {
  const hidden = new OperatorWorld({ seesNodes: false });
  await hidden.start();
  const agent = await hidden.world.agent({ node: 'node-1' });
  await hidden.until(() => hidden.world.node('node-1').phase === 'online');
  await hidden.apply('db', machine());
  await hidden.until(() => hidden.status('db')['phase'] === 'Running');
  const shown = hidden.find(hypervisors, { name: agent.node });
  expect(conditionOf(shown, 'Ready')).toBe('True Online');
  expect(conditionOf(shown, 'KubernetesNode')).toBe('absent');
  hidden.stop();
});
