import { withActed } from '../decide/actions.ts';
import type { Draft } from '../decide/draft.ts';
import type { NodeId, VmId } from '../model/ids.ts';
import type { DiskSource, VmDesired, VmRecord, VmSpec } from '../model/vm.ts';
import { ok, problem, type Outcome, type Problem } from '../problem.ts';
import type { Once } from './act.ts';
import { createVm } from './vm.ts';

export interface CloneWish extends Once {
  readonly id: VmId;
  readonly name: string;
  /** One for each disk of the original that is written to, in their order. They exist already. */
  readonly disks: readonly DiskSource[];
  /** One for each of its cards. */
  readonly macs: readonly string[];
  readonly desired: VmDesired;
  readonly home: NodeId | null;
}

/**
 * A new VM that is like another one, on disks that the caller has: nothing is copied, and no storage is
 * made. Disks that are only read are shared. What must not be had twice is new (UUID, name, MAC
 * addresses), or left out (the file of its serial port).
 */
export function cloneVm(draft: Draft, vm: VmRecord, wish: CloneWish): Outcome<VmRecord> {
  const { request, by, name } = wish;
  const before = draft.vms().find(({ spec }) => spec.name === name);
  if (before?.acted?.some((one) => one.request === request && one.verb === 'clone') === true) {
    return ok(before);
  }
  const spec = specOf(vm, wish);
  if (spec.kind === 'problem') return spec;
  const { id, desired, home } = wish;
  const created = createVm(draft, { id, spec: spec.value, desired, home });
  if (created.kind === 'problem') return created;
  const at = draft.observations.nowWall;
  const acted = { request, verb: 'clone', by, at, outcome: 'done', detail: null } as const;
  const next = withActed(created.value, acted);
  draft.put(next);
  draft.event({
    code: 'VM_CLONED',
    severity: 'info',
    node: null,
    vm: id,
    text: `${name} is made like ${vm.spec.name}, on disks of its own`,
  });
  return ok(next);
}

function specOf(vm: VmRecord, { name, disks, macs }: CloneWish): Outcome<VmSpec> {
  const spec = vm.staged ?? vm.spec;
  const refused = cannotClone(spec, disks.length);
  if (refused !== null) return problem(refused);
  const sources = [...disks];
  return ok({
    ...spec,
    name,
    disks: spec.disks.map((disk) =>
      disk.readOnly ? disk : { ...disk, source: sources.shift() ?? disk.source },
    ),
    interfaces: spec.interfaces.map((card, index) => ({ ...card, mac: macs[index] ?? card.mac })),
    consoleLog: null,
  });
}

function cannotClone(spec: VmSpec, given: number): Problem | null {
  const { definition } = spec;
  const written = spec.disks.filter(({ readOnly }) => !readOnly).length;
  if (definition.kind === 'xml') {
    return refusal(
      spec,
      'it is made from a domain XML, which names disks, cards and files of its own',
      [`kennel vm show ${spec.name} -o yaml, and kennel vm create -f FILE with another XML`],
    );
  }
  const firmware = definition.hardware?.firmware;
  if (firmware?.kind === 'efi' && firmware.variables !== null) {
    return refusal(
      spec,
      `its EFI variables lie in ${firmware.variables}, which two VMs cannot share`,
      ['kennel vm create -f FILE, with another file for them'],
    );
  }
  if (written === given) return null;
  return refusal(spec, `it writes to ${written} disks, and ${given} were named for the clone`, [
    'name one --disk for each disk that it writes to, in their order; Kennel makes none',
    `kennel vm show ${spec.name}`,
  ]);
}

function refusal({ name }: VmSpec, because: string, steps: readonly string[]): Problem {
  return {
    code: 'E_CONFLICT',
    what: `VM ${name} is not cloned`,
    because,
    so: 'nothing was created',
    try: steps,
  };
}
