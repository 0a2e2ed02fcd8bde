import { vmSpecSchema } from '../../src/api/schema/vm-spec.ts';
import type { Caller, ClusterService } from '../../src/api/cluster-service.ts';
import { defaultMigrationLimits } from '../../src/core/model/move.ts';
import { defaultPlacementPolicy } from '../../src/core/model/placement-policy.ts';
import { defaultLimits } from '../../src/core/model/vm.ts';
import type { Outcome } from '../../src/core/problem.ts';
import { identityOf } from '../sim/cluster-world.ts';
import type { ClusterManager } from '../sim/cluster-manager.ts';
import type { RandomStream } from '../sim/random.ts';
import type { Recorder } from './recorder.ts';
import type { Scenario, WorkloadStep } from './scenario.ts';
import { numbered } from './draw.ts';
import { vmName, type Stage } from './stage.ts';

/** How long a client waits for an answer, ms. */
const patienceMs = 8000;
/** Problems that say nothing about whether the change was made. */
const unclear: ReadonlySet<string> = new Set(['E_NOT_LEADER', 'E_UNAVAILABLE', 'E_AMBIGUOUS']);

/** Guests here are small, and a seed waits no ten minutes for a copy that nobody answers for. */
const migrationLimits = { ...defaultMigrationLimits, deadlineMs: 60_000 };

/**
 * A person with the API: asks whoever leads, one call after the other per VM, and keeps what was
 * acknowledged. Without a clear answer it does not ask again.
 */
export class Client {
  readonly #stage: Stage;
  readonly #recorder: Recorder;
  readonly #scenario: Scenario;
  readonly #random: RandomStream;
  readonly #ids = new Map<string, string>();
  readonly #busy = new Set<string>();
  #calls = 0;

  constructor(stage: Stage, recorder: Recorder, scenario: Scenario, random: RandomStream) {
    this.#stage = stage;
    this.#recorder = recorder;
    this.#scenario = scenario;
    this.#random = random;
    recorder.onFenceAsked = (node) => this.#fence(node);
    recorder.onPowerOnAsked = (node) => this.#powerOn(node);
    recorder.onAsked = (step) => this.take(step);
  }

  schedule(steps: readonly WorkloadStep[]): void {
    const { time } = this.#stage.cluster.world;
    const label = time.label('client');
    for (const step of steps) {
      time.schedule(step.atMs - time.nowMs, () => this.take(step), label);
    }
  }

  /** Rules that are soon broken, and a cluster that mends them and its load at once. */
  scheduleRules(): void {
    const { time } = this.#stage.cluster.world;
    const rule = { enabled: true, strict: true } as const;
    const placement = defaultPlacementPolicy;
    const balance = { ...placement.balance, mode: 'automatic', threshold: 0.05 } as const;
    const policy = {
      ...placement,
      selfMoves: { settleMs: 4000, maxAtOnce: 2 },
      balance: { ...balance, holdRounds: 1 },
    };
    const ask = (atMs: number, call: Parameters<Client['person']>[0]): void => {
      time.schedule(atMs - time.nowMs, () => this.person(call), time.label('rules'));
    };
    ask(5000, (service, caller) => service.setPlacementPolicy(policy, caller));
    ask(9000, (service, caller) =>
      service.addRule(
        {
          ...rule,
          id: 'prefer',
          type: 'nodes',
          vms: [vmName(1)],
          nodes: { 'node-2': 1 },
          strict: false,
          failback: true,
        },
        caller,
      ),
    );
    ask(9500, (service, caller) =>
      service.addRule({ ...rule, id: 'apart', type: 'apart', vms: [vmName(1), vmName(2)] }, caller),
    );
    ask(20_000, (service, caller) =>
      service.addRule(
        { ...rule, id: 'together', type: 'together', vms: [vmName(3), vmName(4)] },
        caller,
      ),
    );
  }

  /** One call; nothing while an earlier one for the same VM is open, or while nobody leads. */
  take(step: Omit<WorkloadStep, 'atMs'>): void {
    const name = vmName(step.vm);
    const { verb } = step;
    const known = this.#recorder.record(name);
    if (this.#busy.has(name) || (verb !== 'create' && known === null)) return;
    const id = known?.vm ?? this.#newId(name);
    if (id === null) return;
    this.#ask(name, verb, id, (service, caller) => {
      switch (verb) {
        case 'create':
          return service.createVm(
            { id, spec: this.#spec(step.vm), desired: 'running', node: null },
            caller,
          );
        case 'start':
          return service.startVm(name, caller);
        case 'stop':
          return service.stopVm(name, { force: step.force, reason: null }, caller);
        case 'disable':
          return service.disableVm(name, { force: step.force, reason: null }, caller);
        case 'ignore':
          return service.ignoreVm(name, caller);
        case 'migrate':
          return service.moveVm(
            name,
            { to: null, way: step.force ? 'liveOrCold' : 'live', limits: migrationLimits },
            caller,
          );
        case 'relocate':
          return service.moveVm(name, { to: null, way: 'cold', limits: migrationLimits }, caller);
        case 'stay':
          return service.cancelMove(name, caller);
        case 'delete':
          return service.deleteVm(name, caller);
        case 'pause':
        case 'resume':
        case 'reset':
        case 'reboot':
        case 'restart':
          return service.vmVerbs.act(
            name,
            { verb, request: `call-${this.#calls}`, force: step.force },
            caller,
          );
        default:
          return verb satisfies never;
      }
    });
  }

  /** What the API says of a VM that does not run although it should. */
  explain(name: string, sinceMs: number): void {
    const { cluster } = this.#stage;
    const leader = this.#stage.leader();
    if (leader === null) return;
    void this.#call(leader, async (service) => {
      const [vm, explained] = await Promise.all([service.vm(name), service.explain(name)]);
      if (vm.kind === 'problem' || explained.kind === 'problem') return null;
      if (vm.value.state === 'running' || vm.value.desired !== 'running') return null;
      const { awaiting, try: steps } = explained.value;
      return { state: vm.value.state, reason: vm.value.reason, awaiting, try: steps };
    }).then((said) => {
      if (said === null || cluster.store.leader !== leader.name) return undefined;
      const now = this.#recorder.record(name);
      if (now === null || now.sinceMs !== sinceMs) return undefined;
      this.#recorder.note({ kind: 'explained', vm: name, sinceMs, ...said });
      return undefined;
    });
  }

  /** For a VM that has no record; null when it may not be made (again). */
  #newId(name: string): string | null {
    const old = this.#ids.get(name);
    const { recreate } = this.#scenario;
    if (old !== undefined && recreate !== 'newId') return recreate === 'sameId' ? old : null;
    const id = this.#random.uuid();
    this.#ids.set(name, id);
    return id;
  }

  /** Somebody asks the leader for something; what it answers shows in the records. */
  person(ask: (service: ClusterService, caller: Caller) => Promise<Outcome<unknown>>): void {
    const leader = this.#stage.leader();
    if (leader !== null) void this.#call(leader, (service) => ask(service, this.#caller()));
  }

  #fence(node: string): void {
    const leader = this.#stage.leader();
    if (leader === null) return;
    void this.#call(leader, (service) =>
      service.fenceNode(node, { reason: 'the simulation asks', override: false }, this.#caller()),
    );
  }

  #powerOn(node: string): void {
    const leader = this.#stage.leader();
    if (leader === null) return;
    void this.#call(leader, (service) => service.powerOn(node, this.#caller()));
  }

  #ask(
    name: string,
    verb: WorkloadStep['verb'],
    vm: string,
    question: (service: ClusterService, caller: Caller) => Promise<Outcome<unknown>>,
  ): void {
    const leader = this.#stage.leader();
    if (leader === null) return;
    this.#calls += 1;
    const id = this.#calls;
    this.#busy.add(name);
    this.#recorder.note({ kind: 'call', id, verb, vm });
    void this.#call(leader, (service) => question(service, this.#caller())).then((outcome) => {
      this.#busy.delete(name);
      this.#recorder.poll();
      this.#recorder.note({ kind: 'answer', id, ...readAnswer(outcome) });
      return undefined;
    });
  }

  /** Through the process's gate, as over HTTP; null when no answer came in time. */
  #call<T>(
    leader: ClusterManager,
    question: (service: ClusterService) => Promise<T>,
  ): Promise<T | null> {
    const { process, manager } = leader;
    const { time } = this.#stage.cluster.world;
    return new Promise((resolve) => {
      if (process === null || manager === null) {
        resolve(null);
        return;
      }
      const label = time.label('client waits');
      const deadline = time.schedule(patienceMs, () => resolve(null), label);
      process.enter(() => {
        void question(manager.service).then((answer) => {
          process.effect(() => {
            deadline.cancel();
            resolve(answer);
          });
          return undefined;
        });
      });
    });
  }

  #caller(): Caller {
    return {
      identity: identityOf(this.#stage.cluster.world, 'admin', 'client'),
      dryRun: false,
      reason: null,
    };
  }

  #spec(number: number): ReturnType<typeof vmSpecSchema.parse> {
    const { pinned, nodes, guests } = this.#scenario;
    const plan = guests?.[number - 1];
    const name = vmName(number);
    const home = numbered('node', nodes)[(number - 1) % nodes];
    return vmSpecSchema.parse({
      name,
      vcpus: 1,
      memoryMiB: 512,
      disks: [
        {
          source: { kind: 'sharedFile', path: `/vms/${name}.qcow2` },
          format: 'qcow2',
          bus: 'virtio',
          readOnly: false,
        },
      ],
      interfaces: [],
      priority: 'medium',
      definition: { kind: 'typed', machine: null, emulated: false },
      consoleLog: null,
      separateFrom: [],
      nodes: pinned && home !== undefined ? [home] : [],
      limits: defaultLimits,
      // What is not there yet cannot be waited for.
      after: (plan?.after ?? []).filter((one) => this.#recorder.record(one.vm) !== null),
      ...(plan?.guest == null ? {} : { guest: plan.guest }),
    });
  }
}

function readAnswer(outcome: Outcome<unknown> | null): {
  readonly result: 'ok' | 'no' | 'unknown';
  readonly detail: string;
} {
  if (outcome === null) return { result: 'unknown', detail: 'no answer' };
  if (outcome.kind === 'ok') return { result: 'ok', detail: '' };
  const { code, because } = outcome.problem;
  return { result: unclear.has(code) ? 'unknown' : 'no', detail: `${code}: ${because}` };
}
