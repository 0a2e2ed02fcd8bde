import type { ConfirmOff, FenceNode } from '../../api/schema/requests.ts';
import type { FenceView, NodeView } from '../../api/schema/views.ts';
import type { Caller } from '../../api/cluster-service.ts';
import type { NodeRecord } from '../../core/model/node.ts';
import { nodeId, type NodeId } from '../../core/model/ids.ts';
import { ok, problem, type Outcome, type Problem } from '../../core/problem.ts';
import { confirmOff, fenceNode, removeNode } from '../../core/request/node.ts';
import type { Env } from '../../env/env.ts';
import type { DeviceQueues } from '../../../fencing/device-queue.ts';
import { powerOn, type PowerOnResult } from '../../../fencing/power-on.ts';
import type { FenceDrivers } from '../../../fencing/registry.ts';
import { fenceSecretKeys, type FenceSecrets } from '../fence-secrets.ts';
import type { Leader } from '../leader.ts';
import { asked } from './asked.ts';
import { notLeading, unknownNode } from '../problems.ts';
import type { SessionHub } from '../session-hub.ts';
import { fenceView, nodeView, type Sight } from './views.ts';
import { withNode } from './with-node.ts';

interface NodeServiceOptions {
  readonly env: Env;
  readonly drivers: FenceDrivers;
  readonly queues: DeviceQueues;
  readonly hub: SessionHub;
  readonly secrets: FenceSecrets;
}

/** What people ask about nodes. */
export class NodeService {
  readonly #options: NodeServiceOptions;
  readonly #stopping = new AbortController();

  constructor(options: NodeServiceOptions) {
    this.#options = options;
  }

  /** Ends waiting for devices; a command that has begun is not recalled. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Forgets a node that owns nothing, with the secrets of its devices (FAILURES O6). */
  async remove(
    leader: Leader,
    sight: () => Sight,
    name: string,
    caller: Caller,
  ): Promise<Outcome<NodeView>> {
    const removed = await leader.mutate(
      (draft) => withNode(draft, name, (node) => removeNode(draft, node)),
      { ...asked(caller), extra: (node) => ({ deletes: fenceSecretKeys(node) }) },
    );
    if (removed.kind === 'problem') return removed;
    if (!caller.dryRun) this.#options.hub.disconnect(nodeId(name), 'this node was removed');
    return ok(nodeView(removed.value, sight()));
  }

  /** Wants a node proven dead in the name of the caller, or lifts the guards of an open operation. */
  async fence(
    leader: Leader,
    sight: () => Sight,
    name: string,
    body: FenceNode,
    caller: Caller,
  ): Promise<Outcome<FenceView>> {
    const actor = caller.identity.name;
    const outcome = await leader.mutate(
      (draft) => withNode(draft, name, (node) => fenceNode(draft, node, { ...body, actor })),
      asked(caller, body.reason),
    );
    return outcome.kind === 'problem' ? outcome : ok(fenceView(outcome.value, sight()));
  }

  /** The word of a person that a node is off, unless something says otherwise (FAILURES O5). */
  async confirmOff(
    leader: Leader,
    sight: () => Sight,
    name: string,
    body: ConfirmOff,
    caller: Caller,
  ): Promise<Outcome<FenceView>> {
    const actor = caller.identity.name;
    const outcome = await leader.mutate(
      (draft) => withNode(draft, name, (node) => confirmOff(draft, node, { ...body, actor })),
      asked(caller, body.reason),
    );
    return outcome.kind === 'problem' ? outcome : ok(fenceView(outcome.value, sight()));
  }

  /** Gives a node power and reads it back. Refused while its `off` may still take effect. */
  async powerOn(
    leader: Leader,
    sight: () => Sight,
    name: string,
    caller: Caller,
  ): Promise<Outcome<NodeView>> {
    const node = leader.mirror.nodes.get(nodeId(name));
    if (node === undefined) return problem(unknownNode(name));
    const refusal = powerOnRefusal(leader, node);
    if (refusal !== null) return problem(refusal);
    if (caller.dryRun) return ok(nodeView(node, sight()));
    // A device knows no epochs: what another leader does to this node would not be seen here.
    if (!(await leader.confirm())) return problem(notLeading());
    const { env } = this.#options;
    const result = await this.#giveLevelsPower(leader, node);
    if (result.kind !== 'on') return problem(powerOnFailure(name, result));
    const noted = await leader.mutate((draft) => {
      const text = `${name} was given power`;
      draft.event({ code: 'NODE_POWERED_ON', severity: 'info', node: node.id, vm: null, text });
      return ok(null);
    }, asked(caller));
    if (noted.kind === 'problem') {
      env.log.warn({ node: name, because: noted.problem.because }, 'a power-on was not recorded');
    }
    return ok(nodeView(leader.mirror.nodes.get(node.id) ?? node, sight()));
  }

  /**
   * The feeds first, which are the last resort and so the last levels: a BMC has no power without
   * them. What is on already is left alone, so only the first level's answer counts.
   */
  async #giveLevelsPower(leader: Leader, node: NodeRecord): Promise<PowerOnResult> {
    const { env, drivers, queues, secrets } = this.#options;
    let result: PowerOnResult = { kind: 'on' };
    for (const [index, { devices }] of [...node.fenceTopology.entries()].reverse()) {
      result = await powerOn({
        env,
        drivers,
        queues,
        devices,
        level: index + 1,
        outstanding: () => isBeingFenced(leader, node.id),
        onAttempt: (attempt) => env.log.info({ node: node.id, ...attempt }, 'power-on command'),
        signal: this.#stopping.signal,
        secretsOf: (device) => secrets.read(node.id, device),
      });
      if (result.kind === 'refused') return result;
    }
    return result;
  }
}

/** Something may still power the node off: its operation is open, or its last command under way. */
function isBeingFenced(leader: Leader, id: NodeId): boolean {
  const phase = leader.mirror.nodes.get(id)?.phase;
  return phase === 'fencing' || phase === 'blocked' || leader.fences.busyWith(id);
}

function powerOnRefusal(leader: Leader, node: NodeRecord): Problem | null {
  if (isBeingFenced(leader, node.id)) {
    return {
      code: 'E_CONFLICT',
      what: `${node.id} is not powered on`,
      because: 'a fence operation against it is open, or its off may still be in flight',
      so: 'nothing was sent',
      try: [`kennel explain ${node.id}`],
    };
  }
  if (node.fenceTopology.length > 0) return null;
  return {
    code: 'E_NODE_UNFENCEABLE',
    what: `${node.id} is not powered on`,
    because: 'it has no fence device',
    so: 'nothing was sent',
    try: [
      'press its power button',
      `kennel fence add ${node.id}/bmc --driver ipmi --host ... --user ...`,
    ],
  };
}

function powerOnFailure(name: string, result: Exclude<PowerOnResult, { kind: 'on' }>): Problem {
  const because =
    result.kind === 'refused'
      ? result.because
      : `${result.device}: ${result.error.code}, ${result.error.detail}`;
  return {
    code: 'E_FENCE_DEVICE',
    what: `${name} is not powered on`,
    because,
    so: 'it may still come up; its state is what its agent and its devices say',
    try: [`kennel node show ${name}`],
  };
}
