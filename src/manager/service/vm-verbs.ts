import type { Caller } from '../../api/cluster-service.ts';
import type { ActOnVm, CloneVm, EditVm, LockVm, RenameVm } from '../../api/schema/requests.ts';
import type { SnapshotVm } from '../../api/schema/snapshot.ts';
import type { VmEditedView, VmView, WhyView } from '../../api/schema/views.ts';
import type { VmVerbService } from '../../api/vm-verb-service.ts';
import { explainVm } from '../../core/explain/awaiting.ts';
import { whyVm } from '../../core/explain/why.ts';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import { actOnVm, restartVm } from '../../core/request/act.ts';
import { editVm } from '../../core/request/edit.ts';
import { cloneVm } from '../../core/request/clone.ts';
import { lockVm, unlockVm } from '../../core/request/lock.ts';
import { renameVm } from '../../core/request/rename.ts';
import { snapshotVm } from '../../core/request/snapshot.ts';
import type { VmRecord, VmSpec } from '../../core/model/vm.ts';
import type { Env } from '../../env/env.ts';
import { nodeId, vmId } from '../../core/model/ids.ts';
import { asked } from './asked.ts';
import { vmView } from './views.ts';
import { unknownVm } from '../problems.ts';
import type { EventLog } from './event-log.ts';
import { type Sights, storeProblem } from './sights.ts';
import { findVm, type VmService } from './vm-service.ts';

/** Steps that are told of a VM's way to its place; who wants more reads its events. */
const mostSteps = 40;

/** What is done to VMs beyond wanting them on, off or elsewhere. */
export class VmVerbs implements VmVerbService {
  readonly #sights: Sights;
  readonly #vms: VmService;
  readonly #events: EventLog;
  readonly #env: Pick<Env, 'random'>;

  constructor(options: {
    readonly sights: Sights;
    readonly vms: VmService;
    readonly events: EventLog;
    readonly env: Pick<Env, 'random'>;
  }) {
    this.#env = options.env;
    this.#events = options.events;
    this.#sights = options.sights;
    this.#vms = options.vms;
  }

  act(vm: string, { verb, request, force }: ActOnVm, caller: Caller): Promise<Outcome<VmView>> {
    const by = caller.identity.name;
    return this.#sights.lead((leader, sight) =>
      this.#vms.change(leader, sight, vm, caller, (draft, record) =>
        verb === 'restart'
          ? restartVm(draft, record, { request, by, force })
          : actOnVm(draft, record, { request, by, verb }),
      ),
    );
  }

  snapshot(vm: string, body: SnapshotVm, caller: Caller): Promise<Outcome<VmView>> {
    const by = caller.identity.name;
    return this.#sights.lead((leader, sight) =>
      this.#vms.change(leader, sight, vm, caller, (draft, record) =>
        snapshotVm(draft, record, { ...body, by }),
      ),
    );
  }

  lock(vm: string, { kind, reason }: LockVm, caller: Caller): Promise<Outcome<VmView>> {
    const wish = { kind, reason: reason ?? caller.reason, by: caller.identity.name };
    return this.#sights.lead((leader, sight) =>
      this.#vms.change(leader, sight, vm, caller, (draft, record) => lockVm(draft, record, wish)),
    );
  }

  unlock(vm: string, caller: Caller): Promise<Outcome<VmView>> {
    return this.#sights.lead((leader, sight) =>
      this.#vms.change(leader, sight, vm, caller, unlockVm),
    );
  }

  edit(name: string, body: EditVm, caller: Caller): Promise<Outcome<VmEditedView>> {
    const [spec, before] = [specOf(body.spec), body.before === null ? null : specOf(body.before)];
    return this.#sights.lead(async (leader, sight) => {
      const edited = await leader.mutate((draft) => {
        const id = findVm(leader.mirror, name)?.id;
        const vm = id === undefined ? undefined : draft.vm(id);
        return vm === undefined ? problem(unknownVm(name)) : editVm(draft, vm, { spec, before });
      }, asked(caller));
      if (edited.kind === 'problem') return edited;
      const { vm, now, nextStart } = edited.value;
      return ok({ vm: vmView(vm, sight()), now: [...now], nextStart: [...nextStart] });
    });
  }

  /** Repeated, it is asked by a name that it has no more: the request tells which VM it was. */
  rename(name: string, { to, request }: RenameVm, caller: Caller): Promise<Outcome<VmView>> {
    const by = caller.identity.name;
    return this.#sights.lead((leader, sight) => {
      const known = findVm(leader.mirror, name) ?? renamedBy(leader.mirror.vms.values(), request);
      return this.#vms.change(leader, sight, known?.id ?? name, caller, (draft, record) =>
        renameVm(draft, record, { to, request, by }),
      );
    });
  }

  clone(name: string, body: CloneVm, caller: Caller): Promise<Outcome<VmView>> {
    const by = caller.identity.name;
    const { node, ...wish } = body;
    const home = node === null ? null : nodeId(node);
    const { random } = this.#env;
    return this.#sights.lead(async (leader, sight) => {
      const made = await leader.mutate((draft) => {
        const id = findVm(leader.mirror, name)?.id;
        const vm = id === undefined ? undefined : draft.vm(id);
        if (vm === undefined) return problem(unknownVm(name));
        const macs = vm.spec.interfaces.map(() => randomMac(random));
        return cloneVm(draft, vm, { ...wish, by, home, macs, id: vmId(random.uuid()) });
      }, asked(caller));
      return made.kind === 'problem' ? made : ok(vmView(made.value, sight()));
    });
  }

  async why(name: string): Promise<Outcome<WhyView>> {
    const looked = await this.#sights.look(ok);
    if (looked.kind === 'problem') return looked;
    const { mirror, observations } = looked.value;
    const vm = findVm(mirror, name);
    if (vm === undefined) return problem(unknownVm(name));
    try {
      const history = await this.#events.ofVm(vm.id);
      const events = history.map(({ text, ...event }) => ({ ...event, what: text }));
      const failovers = mirror.failovers.values();
      const { steps, left } = whyVm(vm.id, { events, failovers }, mostSteps);
      return ok({
        vm: vm.spec.name,
        node: vm.permit?.node ?? null,
        steps: [...steps],
        left,
        now: [...explainVm(vm, mirror, observations).facts],
      });
    } catch (error) {
      return storeProblem(error);
    }
  }
}

function renamedBy(vms: Iterable<VmRecord>, request: string): VmRecord | undefined {
  for (const vm of vms) {
    if (vm.acted?.some((one) => one.verb === 'rename' && one.request === request)) return vm;
  }
  return undefined;
}

/** 52:54:00 is the prefix that QEMU uses. */
function randomMac(random: Env['random']): string {
  const hex = random.uuid().replaceAll('-', '').slice(0, 6);
  return ['52', '54', '00', hex.slice(0, 2), hex.slice(2, 4), hex.slice(4, 6)].join(':');
}

function specOf(wire: EditVm['spec']): VmSpec {
  return { ...wire, nodes: wire.nodes.map(nodeId) };
}
