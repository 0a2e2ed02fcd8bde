import type {
  AddFenceDevice,
  ConfirmOff,
  FenceNode,
  ProbeView,
} from '../../api/schema/requests.ts';
import type { FenceView, NodeView } from '../../api/schema/views.ts';
import type { Caller } from '../../api/cluster-service.ts';
import type { FenceDevice, NodeRecord } from '../../core/model/node.ts';
import { nodeId, type NodeId } from '../../core/model/ids.ts';
import { ok, problem, type Outcome, type Problem } from '../../core/problem.ts';
import { addFenceDevice, confirmOff, fenceNode, removeNode } from '../../core/request/node.ts';
import type { Draft } from '../../core/decide/draft.ts';
import type { Env } from '../../env/env.ts';
import type { DeviceQueues } from '../../../fencing/device-queue.ts';
import type { FenceDriver, ProbeReport } from '../../../fencing/driver.ts';
import { powerOn, type PowerOnResult } from '../../../fencing/power-on.ts';
import type { FenceDrivers } from '../../../fencing/registry.ts';
import { fenceSecretKeys, type FenceSecrets } from '../fence-secrets.ts';
import type { Leader } from '../leader.ts';
import { asked } from './asked.ts';
import { notLeading, unknownNode } from '../problems.ts';
import type { SessionHub } from '../session-hub.ts';
import { fenceView, nodeView, type Sight } from './views.ts';

/** How long enrolment may probe a device, in ms. */
const probeTimeoutMs = 60_000;

interface NodeServiceOptions {
  readonly env: Env;
  readonly drivers: FenceDrivers;
  readonly queues: DeviceQueues;
  readonly hub: SessionHub;
  readonly secrets: FenceSecrets;
}

/** What people ask about nodes and their fence devices. */
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

  /** Adds a device that answered just now; what it needs to be asked is kept apart from it. */
  async addFenceDevice(
    leader: Leader,
    name: string,
    body: AddFenceDevice,
    caller: Caller,
  ): Promise<Outcome<ProbeView>> {
    if (!leader.mirror.nodes.has(nodeId(name))) return problem(unknownNode(name));
    const usable = this.#usable(name, body);
    if (usable.kind === 'problem') return usable;
    const { driver, settings, secrets } = usable.value;
    const report = await this.#probe(`${name}/${body.id}`, usable.value);
    if (!report.ok) {
      const { error } = report;
      const because = `${error?.code ?? 'UNKNOWN'}: ${error?.detail ?? 'it gave no answer'}`;
      const steps = ['check address, user and password'];
      return problem(deviceProblem(name, 'E_FENCE_DEVICE', because, steps));
    }
    const device: FenceDevice = {
      id: `${name}/${body.id}`,
      driver: driver.kind,
      settings: { ...settings, ...report.learned },
      identity: report.identity,
      settleMs: body.settleMs,
    };
    const secret = this.#options.secrets.put(name, device.id, secrets);
    const added = await leader.mutate(
      (draft) =>
        withNode(draft, name, (node) => addFenceDevice(draft, node, { level: body.level, device })),
      { ...asked(caller), extra: () => ({ puts: [secret] }) },
    );
    return added.kind === 'problem' ? added : ok(probeView(report));
  }

  /** The driver of a new device with what it is to be asked with, or what is wrong with that. */
  #usable(name: string, body: AddFenceDevice): Outcome<DeviceUse> {
    const driver = this.#options.drivers.driver(body.driver);
    if (driver === null) {
      const steps = [`use one of: ${this.#options.drivers.kinds().join(', ')}`];
      return problem(deviceProblem(name, 'E_USAGE', `there is no driver ${body.driver}`, steps));
    }
    const parsed = driver.parseSettings(body.settings);
    if (parsed.kind === 'invalid') {
      const because = parsed.problems.join('; ');
      return problem(deviceProblem(name, 'E_SPEC_INVALID', because, ['correct the settings']));
    }
    const { capabilities } = driver;
    const secrets: Record<string, string> = capabilities.takesFurtherSecrets
      ? { ...body.secrets }
      : {};
    for (const secret of capabilities.secrets) {
      const value = body.secrets[secret];
      if (value === undefined) {
        const steps = ['--password-file FILE'];
        return problem(deviceProblem(name, 'E_SPEC_INVALID', `secret ${secret} is missing`, steps));
      }
      secrets[secret] = value;
    }
    return ok({ driver, settings: parsed.settings, secrets });
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
    const { env, drivers, queues } = this.#options;
    const result = await powerOn({
      env,
      drivers,
      queues,
      devices: node.fenceTopology[0]?.devices ?? [],
      level: 1,
      outstanding: () => isBeingFenced(leader, node.id),
      onAttempt: (attempt) => env.log.info({ node: name, ...attempt }, 'power-on command'),
      signal: this.#stopping.signal,
      secretsOf: (device) => this.#options.secrets.read(node.id, device),
    });
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

  #probe(id: string, { driver, settings, secrets }: DeviceUse): Promise<ProbeReport> {
    const { env, queues } = this.#options;
    const { signal } = this.#stopping;
    return queues.read(id, () =>
      driver.probe({ env, settings, secrets, timeoutMs: probeTimeoutMs, signal }),
    );
  }
}

/** What a device is asked with. */
interface DeviceUse {
  readonly driver: FenceDriver;
  readonly settings: FenceDevice['settings'];
  readonly secrets: Readonly<Record<string, string>>;
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
      `kennel node add-fence ${node.id} --driver ipmi --host ... --user ...`,
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

function probeView(report: ProbeReport): ProbeView {
  const { ok: isOk, identity, power, learned, warnings, latencyMs } = report;
  return {
    ok: isOk,
    identity,
    power,
    learned: { ...learned },
    warnings: warnings.map((warning) => ({ ...warning })),
    latencyMs: Math.round(latencyMs),
  };
}

function withNode<T>(
  draft: Draft,
  name: string,
  use: (node: NodeRecord) => Outcome<T>,
): Outcome<T> {
  const node = draft.node(nodeId(name));
  return node === undefined ? problem(unknownNode(name)) : use(node);
}

function deviceProblem(
  node: string,
  code: Problem['code'],
  because: string,
  steps: readonly string[],
): Problem {
  return {
    code,
    what: `the fence device is not added to ${node}`,
    because,
    so: 'nothing was stored',
    try: steps,
  };
}
