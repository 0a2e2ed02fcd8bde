import type {
  AddFenceDevice,
  DeviceTestView,
  DrillNode,
  FenceDeviceAdded,
  FenceDriverView,
  ProbeView,
} from '../../api/schema/fencing.ts';
import type { FenceView, NodeView } from '../../api/schema/views.ts';
import type { Caller } from '../../api/cluster-service.ts';
import type { FenceDevice, NodeRecord } from '../../core/model/node.ts';
import { nodeId } from '../../core/model/ids.ts';
import { ok, problem, type Outcome, type Problem } from '../../core/problem.ts';
import { addFenceDevice, drillNode, removeFenceDevice } from '../../core/request/fence-device.ts';
import { recoveryBudget } from '../../core/timing/recovery-budget.ts';
import type { Env } from '../../env/env.ts';
import type { DeviceQueues } from '../../../fencing/device-queue.ts';
import { outletText, type FenceDriver, type ProbeReport } from '../../../fencing/driver.ts';
import type { FenceDrivers } from '../../../fencing/registry.ts';
import type { FenceSecrets } from '../fence-secrets.ts';
import { secretKey } from '../keys.ts';
import type { Leader } from '../leader.ts';
import { unknownNode } from '../problems.ts';
import { asked } from './asked.ts';
import { budgetView, fenceView, nodeView, type Sight } from './views.ts';
import { withNode } from './with-node.ts';

/** How long enrolment may probe a device, in ms. */
const probeTimeoutMs = 60_000;

interface FenceServiceOptions {
  readonly env: Env;
  readonly drivers: FenceDrivers;
  readonly queues: DeviceQueues;
  readonly secrets: FenceSecrets;
}

/** What people ask about fence devices and their place in the topology of a node. */
export class FenceService {
  readonly #options: FenceServiceOptions;
  readonly #stopping = new AbortController();

  constructor(options: FenceServiceOptions) {
    this.#options = options;
  }

  /** Ends waiting for devices. */
  stop(): void {
    this.#stopping.abort();
  }

  /** What each kind of device is given. */
  drivers(): readonly FenceDriverView[] {
    const { drivers } = this.#options;
    return drivers.kinds().flatMap((kind): readonly FenceDriverView[] => {
      const driver = drivers.driver(kind);
      if (driver === null) return [];
      const { help, capabilities } = driver;
      return [
        {
          kind,
          summary: help.summary,
          settings: help.settings.map((setting) => ({ ...setting })),
          secrets: [...capabilities.secrets],
          takesFurtherSecrets: capabilities.takesFurtherSecrets,
        },
      ];
    });
  }

  /**
   * Adds a device that answered just now; what it needs to be asked is kept apart from it. A dry run
   * probes all the same, and says what the node's recovery would take.
   */
  async add(
    leader: Leader,
    name: string,
    body: AddFenceDevice,
    caller: Caller,
  ): Promise<Outcome<FenceDeviceAdded>> {
    if (!leader.mirror.nodes.has(nodeId(name))) return problem(unknownNode(name));
    const usable = this.#usable(name, body);
    if (usable.kind === 'problem') return usable;
    const { driver, settings, secrets } = usable.value;
    const report = await this.#probe(usable.value);
    if (!report.ok) {
      const { error } = report;
      const because = `${error?.code ?? 'UNKNOWN'}: ${error?.detail ?? 'it gave no answer'}`;
      const steps = ['check address, user and password'];
      return problem(deviceProblem(name, 'E_FENCE_DEVICE', because, steps));
    }
    const learned = { ...settings, ...report.learned };
    const device: FenceDevice = {
      id: `${name}/${body.id}`,
      driver: driver.kind,
      settings: learned,
      identity: report.identity,
      settleMs: body.settleMs,
      outlet: outletText(driver.place(learned)),
    };
    const secret = this.#options.secrets.put(name, device.id, secrets);
    const { level, budgetMs, delayMs } = body;
    const added = await leader.mutate(
      (draft) =>
        withNode(draft, name, (node) =>
          addFenceDevice(draft, node, { level, device, budgetMs, delayMs }),
        ),
      { ...asked(caller), extra: () => ({ puts: [secret] }) },
    );
    if (added.kind === 'problem') return added;
    const { fenceTopology, incarnation } = added.value;
    const { timing } = leader.mirror.settings;
    const budget = recoveryBudget(fenceTopology, timing, incarnation?.watchdog ?? null);
    return ok({ ...probeView(report), outlet: device.outlet, budget: budgetView(budget) });
  }

  /** Takes a device out of a topology, and forgets its secrets. */
  async remove(
    leader: Leader,
    sight: () => Sight,
    target: { readonly node: string; readonly device: string },
    caller: Caller,
  ): Promise<Outcome<NodeView>> {
    const id = `${target.node}/${target.device}`;
    const removed = await leader.mutate(
      (draft) => withNode(draft, target.node, (node) => removeFenceDevice(draft, node, id)),
      { ...asked(caller), extra: () => ({ deletes: [secretKey(target.node, id)] }) },
    );
    return removed.kind === 'problem' ? removed : ok(nodeView(removed.value, sight()));
  }

  /** Checks the devices of a node, or one of them, with what would fence it. Changes no power. */
  async test(
    leader: Leader,
    target: { readonly node: string; readonly device: string | null },
  ): Promise<Outcome<readonly DeviceTestView[]>> {
    const node = leader.mirror.nodes.get(nodeId(target.node));
    if (node === undefined) return problem(unknownNode(target.node));
    const wanted = target.device === null ? null : `${target.node}/${target.device}`;
    const devices = node.fenceTopology
      .flatMap((level) => level.devices)
      .filter(({ id }) => wanted === null || id === wanted);
    if (devices.length === 0) return problem(nothingToTest(node, wanted));
    return ok(
      await Promise.all(
        devices.map(async (device): Promise<DeviceTestView> => {
          const { report, error } = await leader.care.check(node, device);
          return { ...probeView(report), device: device.id, ok: error === null, error };
        }),
      ),
    );
  }

  /** Powers a node off to see that it can be done, as a fence operation like any other. */
  async drill(
    leader: Leader,
    sight: () => Sight,
    target: { readonly node: string; readonly body: DrillNode },
    caller: Caller,
  ): Promise<Outcome<FenceView>> {
    const actor = caller.identity.name;
    const reason = caller.reason ?? 'drill';
    const outcome = await leader.mutate(
      (draft) =>
        withNode(draft, target.node, (node) =>
          drillNode(draft, node, { ...target.body, actor, reason }),
        ),
      asked(caller),
    );
    return outcome.kind === 'problem' ? outcome : ok(fenceView(outcome.value, sight()));
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
      const steps = [`kennel fence drivers ${driver.kind}`];
      return problem(deviceProblem(name, 'E_SPEC_INVALID', because, steps));
    }
    const { capabilities } = driver;
    if (capabilities.class !== 'power') {
      // What cuts storage or only tells of something leaves the node running.
      const because = `the driver ${driver.kind} switches no power`;
      const steps = ['use a device that switches power'];
      return problem(deviceProblem(name, 'E_FENCE_DEVICE', because, steps));
    }
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

  #probe({ driver, settings, secrets }: DeviceUse): Promise<ProbeReport> {
    const { env, queues } = this.#options;
    const { signal } = this.#stopping;
    const probe = () => driver.probe({ env, settings, secrets, timeoutMs: probeTimeoutMs, signal });
    return queues.read(driver.place(settings), probe, 'care');
  }
}

/** What a device is asked with. */
interface DeviceUse {
  readonly driver: FenceDriver;
  readonly settings: FenceDevice['settings'];
  readonly secrets: Readonly<Record<string, string>>;
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

function nothingToTest(node: NodeRecord, wanted: string | null): Problem {
  return {
    code: wanted === null ? 'E_NODE_UNFENCEABLE' : 'E_NOT_FOUND',
    what: `${wanted ?? node.id} is not tested`,
    because: wanted === null ? 'it has no fence device' : 'there is no such fence device',
    so: 'nothing was asked',
    try: [`kennel fence ls ${node.id}`, `kennel fence add ${node.id}/bmc --driver ipmi …`],
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
