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
import { powerOn } from '../../../fencing/power-on.ts';
import type { FenceDrivers } from '../../../fencing/registry.ts';
import { secretKey } from '../keys.ts';
import type { Leader } from '../leader.ts';
import type { SessionHub } from '../session-hub.ts';
import { fenceView, nodeView, type Sight } from './views.ts';

/** How long enrolment may probe a device, in ms. */
const probeTimeoutMs = 60_000;

export interface NodeServiceOptions {
  readonly env: Env;
  readonly drivers: FenceDrivers;
  readonly queues: DeviceQueues;
  readonly hub: SessionHub;
  secretsOf(node: NodeId, device: string): Promise<Readonly<Record<string, string>>>;
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

  async remove(
    leader: Leader,
    sight: () => Sight,
    name: string,
    caller: Caller,
  ): Promise<Outcome<NodeView>> {
    const removed = await leader.mutate(
      (draft) => withNode(draft, name, (node) => removeNode(draft, node)),
      caller,
    );
    if (removed.kind === 'problem') return removed;
    if (!caller.dryRun) this.#options.hub.disconnect(nodeId(name), 'this node was removed');
    return ok(nodeView(removed.value, sight()));
  }

  async addFenceDevice(
    leader: Leader,
    name: string,
    body: AddFenceDevice,
    caller: Caller,
  ): Promise<Outcome<ProbeView>> {
    const driver = this.#options.drivers.driver(body.driver);
    if (driver === null) {
      const kinds = this.#options.drivers.kinds().join(', ');
      return problem(
        deviceProblem(name, 'E_USAGE', `there is no driver ${body.driver}`, [
          `use one of: ${kinds}`,
        ]),
      );
    }
    const parsed = driver.parseSettings(body.settings);
    if (parsed.kind === 'invalid') {
      return problem(
        deviceProblem(name, 'E_SPEC_INVALID', parsed.problems.join('; '), ['correct the settings']),
      );
    }
    const missing = driver.capabilities.secrets.filter(
      (secret) => body.secrets[secret] === undefined,
    );
    if (missing.length > 0) {
      return problem(
        deviceProblem(name, 'E_SPEC_INVALID', `secret ${missing.join(', ')} is missing`, [
          '--password-file FILE',
        ]),
      );
    }
    const report = await this.#probe(driver, name, body, parsed.settings);
    if (!report.ok) {
      const { error } = report;
      return problem(
        deviceProblem(
          name,
          'E_FENCE_DEVICE',
          `${error?.code ?? 'UNKNOWN'}: ${error?.detail ?? 'it gave no answer'}`,
          ['check address, user and password'],
        ),
      );
    }
    const device: FenceDevice = {
      id: `${name}/${body.id}`,
      driver: driver.kind,
      settings: { ...parsed.settings, ...report.learned },
      identity: report.identity,
      settleMs: body.settleMs,
    };
    const added = await leader.mutate(
      (draft) =>
        withNode(draft, name, (node) => addFenceDevice(draft, node, { level: body.level, device })),
      {
        dryRun: caller.dryRun,
        extra: { puts: [{ key: secretKey(name, device.id), value: JSON.stringify(body.secrets) }] },
      },
    );
    if (added.kind === 'problem') return added;
    return ok({
      ok: true,
      identity: report.identity,
      power: report.power,
      learned: { ...report.learned },
      warnings: report.warnings.map((warning) => ({ ...warning })),
      latencyMs: Math.round(report.latencyMs),
    });
  }

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
      caller,
    );
    return outcome.kind === 'problem' ? outcome : ok(fenceView(outcome.value, sight()));
  }

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
      caller,
    );
    return outcome.kind === 'problem' ? outcome : ok(fenceView(outcome.value, sight()));
  }

  async powerOn(
    leader: Leader,
    sight: () => Sight,
    name: string,
    caller: Caller,
  ): Promise<Outcome<NodeView>> {
    const node = leader.mirror.nodes.get(nodeId(name));
    if (node === undefined) return problem(unknownNode(name));
    if (leader.fences.busyWith(node.id)) {
      return problem({
        code: 'E_CONFLICT',
        what: `${name} is not powered on`,
        because: 'a fence operation against it is open, and its off may still be in flight',
        so: 'nothing was sent',
        try: [`kennel explain ${name}`],
      });
    }
    const level = node.fenceTopology[0];
    if (level === undefined) {
      return problem({
        code: 'E_NODE_UNFENCEABLE',
        what: `${name} is not powered on`,
        because: 'it has no fence device',
        so: 'nothing was sent',
        try: [
          'press its power button',
          `kennel node add-fence ${name} --driver ipmi --host ... --user ...`,
        ],
      });
    }
    if (caller.dryRun) return ok(nodeView(node, sight()));
    const { env, drivers, queues } = this.#options;
    const result = await powerOn({
      env,
      drivers,
      queues,
      devices: level.devices,
      level: 1,
      outstanding: () => leader.fences.busyWith(node.id),
      onAttempt: (attempt) => env.log.info({ node: name, ...attempt }, 'power-on command'),
      signal: this.#stopping.signal,
      secretsOf: (device) => this.#options.secretsOf(node.id, device),
    });
    if (result.kind !== 'on') {
      const because =
        result.kind === 'refused'
          ? result.because
          : `${result.device}: ${result.error.code}, ${result.error.detail}`;
      return problem({
        code: 'E_FENCE_DEVICE',
        what: `${name} is not powered on`,
        because,
        so: 'it may still come up; its state is what its agent and its devices say',
        try: [`kennel node show ${name}`],
      });
    }
    env.log.info({ node: name, actor: caller.identity.name }, 'node powered on');
    return ok(nodeView(node, sight()));
  }

  #probe(
    driver: FenceDriver,
    name: string,
    body: AddFenceDevice,
    settings: Readonly<Record<string, string | number | boolean>>,
  ): Promise<ProbeReport> {
    const { env, queues } = this.#options;
    return queues.read(`${name}/${body.id}`, () =>
      driver.probe({ env, settings, secrets: body.secrets, timeoutMs: probeTimeoutMs }),
    );
  }
}

function withNode<T>(
  draft: Draft,
  name: string,
  use: (node: NodeRecord) => Outcome<T>,
): Outcome<T> {
  const node = draft.node(nodeId(name));
  return node === undefined ? problem(unknownNode(name)) : use(node);
}

export function unknownNode(name: string): Problem {
  return {
    code: 'E_NOT_FOUND',
    what: `there is no node ${name}`,
    because: 'no node of that name has joined',
    so: 'nothing was done',
    try: ['kennel node ls'],
  };
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
