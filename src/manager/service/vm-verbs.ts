import type { Caller } from '../../api/cluster-service.ts';
import type { ActOnVm } from '../../api/schema/requests.ts';
import type { VmView, WhyView } from '../../api/schema/views.ts';
import type { VmVerbService } from '../../api/vm-verb-service.ts';
import { explainVm } from '../../core/explain/awaiting.ts';
import { whyVm } from '../../core/explain/why.ts';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import { actOnVm, restartVm } from '../../core/request/act.ts';
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

  constructor(options: {
    readonly sights: Sights;
    readonly vms: VmService;
    readonly events: EventLog;
  }) {
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
