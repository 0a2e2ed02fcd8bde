import type { CreateVm } from '../../api/schema/requests.ts';
import { findCycle, inStartOrder } from '../../core/order/dependencies.ts';
import type { Parsed, SpecProblem } from './spec-problem.ts';

/** One VM of a file, ready to be sent, and what a person should know about it. */
export interface VmToCreate {
  readonly body: CreateVm;
  /** Line on which its description begins, 1-based. */
  readonly line: number;
  readonly notes: readonly string[];
}

export interface VmFileOptions {
  /** Paths under these are on a file system that every node mounts. Only for domain XML. */
  readonly sharedPaths: readonly string[];
}

/** Reads a file of VMs, those that others wait for first: YAML documents, or the XML of one domain. Told apart by the first `<`. */
export async function parseVmFile(
  text: string,
  options: VmFileOptions,
): Promise<Parsed<readonly VmToCreate[]>> {
  const withoutMark = text.replace(/^\uFEFF/, '');
  if (withoutMark.trimStart().startsWith('<')) {
    const { parseDomainXml } = await import('./domain-xml.ts');
    const parsed = parseDomainXml(withoutMark, options);
    return parsed.kind === 'ok' ? { kind: 'ok', value: [parsed.value] } : parsed;
  }
  const { parseYamlSpecs } = await import('./yaml-specs.ts');
  const parsed = parseYamlSpecs(withoutMark);
  if (parsed.kind === 'invalid') return parsed;
  const problems = [...duplicates(parsed.value), ...cycles(parsed.value)];
  if (problems.length > 0) return { kind: 'invalid', problems };
  return { kind: 'ok', value: inStartOrder(parsed.value, (vm) => vm.body.spec) };
}

/** VMs of one file that wait for each other. The cluster looks at all the others. */
function cycles(vms: readonly VmToCreate[]): readonly SpecProblem[] {
  const cycle = findCycle(vms.map((vm) => vm.body.spec));
  if (cycle === null) return [];
  const first = vms.find((vm) => vm.body.spec.name === cycle[0]);
  const what = `each would wait for the next: ${cycle.join(' → ')}`;
  return [{ line: first?.line ?? 1, field: 'after', what, suggestion: null }];
}

/** What two VMs of one file must not have in common. The cluster checks against all the others. */
function duplicates(vms: readonly VmToCreate[]): readonly SpecProblem[] {
  const problems: SpecProblem[] = [];
  const seen = new Map<string, VmToCreate>();
  const claim = (what: string, vm: VmToCreate): void => {
    const first = seen.get(what);
    if (first === undefined) {
      seen.set(what, vm);
      return;
    }
    const by = first === vm ? 'twice in this VM' : `already on line ${first.line}`;
    problems.push({ line: vm.line, field: '', what: `${what} is used ${by}`, suggestion: null });
  };
  for (const vm of vms) {
    const { id, spec } = vm.body;
    claim(`name ${spec.name}`, vm);
    if (id !== null) claim(`id ${id}`, vm);
    for (const card of spec.interfaces) claim(`mac ${card.mac}`, vm);
    for (const disk of spec.disks) {
      if (!disk.readOnly && disk.source.kind !== 'local') {
        claim(`disk ${JSON.stringify(disk.source)}`, vm);
      }
    }
  }
  return problems;
}
