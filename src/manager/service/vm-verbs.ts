import type { Caller } from '../../api/cluster-service.ts';
import type { ActOnVm } from '../../api/schema/requests.ts';
import type { VmView } from '../../api/schema/views.ts';
import type { VmVerbService } from '../../api/vm-verb-service.ts';
import type { Outcome } from '../../core/problem.ts';
import { actOnVm, restartVm } from '../../core/request/act.ts';
import type { Sights } from './sights.ts';
import type { VmService } from './vm-service.ts';

/** What is done to VMs beyond wanting them on, off or elsewhere. */
export class VmVerbs implements VmVerbService {
  readonly #sights: Sights;
  readonly #vms: VmService;

  constructor(options: { readonly sights: Sights; readonly vms: VmService }) {
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
}
