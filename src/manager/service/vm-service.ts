import type { AdoptVm, CreateVm, MoveVm, StopVm } from '../../api/schema/requests.ts';
import type { VmView } from '../../api/schema/views.ts';
import type { Caller } from '../../api/cluster-service.ts';
import { nodeId, operationId, vmId } from '../../core/model/ids.ts';
import type { VmRecord, VmSpec } from '../../core/model/vm.ts';
import type { DomainObservation } from '../../core/observations.ts';
import { ok, problem, type Outcome, type Problem } from '../../core/problem.ts';
import { adoptVm, createVm, deleteVm, forgetVm, setDesired } from '../../core/request/vm.ts';
import { cancelMove, moveVm } from '../../core/request/move.ts';
import { changeInNameOf } from '../../core/request/vm-asked.ts';
import type { Draft } from '../../core/decide/draft.ts';
import type { Env } from '../../env/env.ts';
import type { Leader } from '../leader.ts';
import type { Mirror } from '../mirror.ts';
import { unknownVm } from '../problems.ts';
import type { SessionHub } from '../session-hub.ts';
import { asked } from './asked.ts';
import { vmView, type Sight } from './views.ts';

/** How long an agent may take to hand over a domain's XML, in ms. */
const inspectTimeoutMs = 15_000;

/** Reads a spec out of libvirt XML; given from outside, because parsing XML is the agent's part. */
export type ReadDomainXml = (xml: string) => Promise<Outcome<VmSpec>>;

/** What people ask about VMs. */
export class VmService {
  readonly #env: Env;
  readonly #hub: SessionHub;
  readonly #readXml: ReadDomainXml;

  constructor(options: { env: Env; hub: SessionHub; readXml: ReadDomainXml }) {
    this.#env = options.env;
    this.#hub = options.hub;
    this.#readXml = options.readXml;
  }

  /** Records a VM under the id that was given, or a new one. */
  async create(
    leader: Leader,
    sight: () => Sight,
    body: CreateVm,
    caller: Caller,
  ): Promise<Outcome<VmView>> {
    const id = vmId(body.id ?? this.#env.random.uuid());
    const spec: VmSpec = { ...body.spec, nodes: body.spec.nodes.map(nodeId) };
    const home = body.node === null ? null : nodeId(body.node);
    const created = await leader.mutate(
      (draft) => createVm(draft, { id, spec, desired: body.desired, home }),
      asked(caller),
    );
    return created.kind === 'problem' ? created : ok(vmView(created.value, sight()));
  }

  /** Wants it running, and forgets what failed before. */
  start(
    leader: Leader,
    sight: () => Sight,
    name: string,
    caller: Caller,
  ): Promise<Outcome<VmView>> {
    return this.change(leader, sight, name, caller, (draft, vm) =>
      setDesired(draft, vm, 'running', { force: false }),
    );
  }

  /** Wants it stopped; by force at once, else its guest is asked first. */
  stop(
    leader: Leader,
    sight: () => Sight,
    name: string,
    body: StopVm,
    caller: Caller,
  ): Promise<Outcome<VmView>> {
    return this.#switchOff(leader, sight, name, { body, desired: 'stopped' }, caller);
  }

  /** As `stop`, and failover does not touch it. */
  disable(
    leader: Leader,
    sight: () => Sight,
    name: string,
    body: StopVm,
    caller: Caller,
  ): Promise<Outcome<VmView>> {
    return this.#switchOff(leader, sight, name, { body, desired: 'disabled' }, caller);
  }

  /** Leaves it to people. */
  ignore(
    leader: Leader,
    sight: () => Sight,
    name: string,
    caller: Caller,
  ): Promise<Outcome<VmView>> {
    return this.change(leader, sight, name, caller, (draft, vm) =>
      setDesired(draft, vm, 'ignored', { force: false }),
    );
  }

  /** Wants it on another node. */
  move(
    leader: Leader,
    sight: () => Sight,
    name: string,
    body: MoveVm,
    caller: Caller,
  ): Promise<Outcome<VmView>> {
    const wish = { ...body, to: body.to === null ? null : nodeId(body.to) };
    return this.change(leader, sight, name, caller, (draft, vm) => moveVm(draft, vm, wish));
  }

  /** Lets it stay where it is. */
  cancelMove(
    leader: Leader,
    sight: () => Sight,
    name: string,
    caller: Caller,
  ): Promise<Outcome<VmView>> {
    return this.change(leader, sight, name, caller, cancelMove);
  }

  /** Takes it out of the cluster as it is. */
  forget(
    leader: Leader,
    sight: () => Sight,
    name: string,
    caller: Caller,
  ): Promise<Outcome<VmView>> {
    return this.change(leader, sight, name, caller, forgetVm);
  }

  /** Stops it and forgets it. Its disks are left alone. */
  delete(
    leader: Leader,
    sight: () => Sight,
    name: string,
    caller: Caller,
  ): Promise<Outcome<VmView>> {
    return this.change(leader, sight, name, caller, deleteVm);
  }

  /**
   * Takes over a domain that a node reports running and that the cluster does not know. Its agent is asked for the
   * XML, which becomes the spec; the guest is not touched.
   */
  async adopt(
    leader: Leader,
    sight: () => Sight,
    body: AdoptVm,
    caller: Caller,
  ): Promise<Outcome<VmView>> {
    const { mirror, observations } = sight();
    const node = mirror.nodes.get(nodeId(body.node));
    if (node === undefined) {
      return problem(cannotAdopt(body, `there is no node ${body.node}`, ['kennel node ls']));
    }
    const domains = observations.nodes.get(node.id)?.report?.domains ?? null;
    const found = [...(domains?.values() ?? [])].find(
      (one) => one.name === body.domain || one.vm === body.domain,
    );
    const isKnown = found !== undefined && mirror.vms.has(found.vm);
    const refusal = adoptionRefusal(found, body, isKnown);
    if (found === undefined || refusal !== null) {
      return problem(refusal ?? cannotAdopt(body, 'it is not there', []));
    }
    const { xml, detail } = await this.#hub.inspect(node.id, leader.epoch, {
      operation: operationId(`inspect/${found.vm}/${this.#env.random.uuid()}`),
      vm: found.vm,
      timeoutMs: inspectTimeoutMs,
    });
    if (xml === null) return problem(cannotAdopt(body, detail, ['run the command again']));
    const spec = await this.#readXml(xml);
    if (spec.kind === 'problem') return spec;
    const adopted = await leader.mutate(
      (draft) =>
        adoptVm(draft, {
          id: found.vm,
          spec: spec.value,
          node: node.id,
          carried: found.permit?.token ?? null,
        }),
      asked(caller),
    );
    return adopted.kind === 'problem' ? adopted : ok(vmView(adopted.value, sight()));
  }

  #switchOff(
    leader: Leader,
    sight: () => Sight,
    name: string,
    how: { readonly body: StopVm; readonly desired: 'stopped' | 'disabled' },
    caller: Caller,
  ): Promise<Outcome<VmView>> {
    const { force, reason } = how.body;
    return this.change(
      leader,
      sight,
      name,
      { ...caller, reason: reason ?? caller.reason },
      (draft, vm) => setDesired(draft, vm, how.desired, { force }),
    );
  }

  /** One change of one VM, which is looked up again in the state that is changed. */
  async change(
    leader: Leader,
    sight: () => Sight,
    name: string,
    caller: Caller,
    change: (draft: Draft, vm: VmRecord) => Outcome<VmRecord>,
  ): Promise<Outcome<VmView>> {
    const id = findVm(leader.mirror, name)?.id;
    if (id === undefined) return problem(unknownVm(name));
    const outcome = await leader.mutate((draft) => {
      const vm = draft.vm(id);
      const { name: by } = caller.identity;
      return vm === undefined ? problem(unknownVm(name)) : changeInNameOf(draft, vm, by, change);
    }, asked(caller));
    return outcome.kind === 'problem' ? outcome : ok(vmView(outcome.value, sight()));
  }
}

/** By name or UUID. */
export function findVm(mirror: Mirror, name: string): VmRecord | undefined {
  const byId = mirror.vms.get(vmId(name.toLowerCase()));
  if (byId !== undefined) return byId;
  for (const vm of mirror.vms.values()) if (vm.spec.name === name) return vm;
  return undefined;
}

function adoptionRefusal(
  found: DomainObservation | undefined,
  body: AdoptVm,
  isKnown: boolean,
): Problem | null {
  if (found === undefined) {
    return cannotAdopt(body, `${body.node} reports no domain ${body.domain}`, [
      `virsh list --all, on ${body.node}`,
    ]);
  }
  if (!found.active) {
    return cannotAdopt(body, 'it does not run', [
      `virsh dumpxml ${body.domain} > vm.xml; kennel vm create -f vm.xml`,
    ]);
  }
  // Of a VM that was forgotten a permit is left that nobody keeps a record of.
  if (found.permit !== null && isKnown) {
    return cannotAdopt(
      body,
      `it carries a permit of ${found.permit.node} (token ${found.permit.token})`,
      [`kennel vm show ${found.name}`],
    );
  }
  return null;
}

function cannotAdopt(body: AdoptVm, because: string, steps: readonly string[]): Problem {
  return {
    code: 'E_CONFLICT',
    what: `${body.domain} on ${body.node} cannot be adopted`,
    because,
    so: 'it was not touched',
    try: steps,
  };
}
