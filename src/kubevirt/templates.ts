import { namePattern } from '../core/model/ids.ts';
import { Cursor } from './cursor.ts';
import type { Ledger } from './ledger.ts';
import type { Labelled } from './placement.ts';

/** One VM that is to be made: what describes it, and its place in a set of equals. */
export interface Template extends Labelled {
  readonly ledger: Ledger;
  /** Spec of a VirtualMachine, null for what has only an instance's. */
  readonly machine: Cursor | null;
  /** Spec of the instance. */
  readonly instance: Cursor;
  /** Which of a pool or set it is; null for a VM that stands for itself. */
  readonly index: number | null;
}

const maxReplicas = 10_000;

/** Whether a manifest describes any number of VMs. */
export function isSet({ manifest, isOfKnownKind }: Ledger): boolean {
  return (
    isOfKnownKind &&
    ['VirtualMachineInstanceReplicaSet', 'VirtualMachinePool'].includes(manifest.kind)
  );
}

/** The VMs that a manifest asks for. */
export function templatesOf(ledger: Ledger): readonly Template[] {
  if (!ledger.isOfKnownKind) return [];
  const root = Cursor.of(ledger);
  const spec = root.at('spec');
  switch (ledger.manifest.kind) {
    case 'VirtualMachine': {
      const template = spec.at('template');
      return [one(root, { machine: spec, instance: template.at('spec'), labelled: template })];
    }
    case 'VirtualMachineInstance':
      return [one(root, { machine: null, instance: spec, labelled: root })];
    case 'VirtualMachineInstanceReplicaSet': {
      const template = spec.at('template');
      return many(root, { machine: null, instance: template.at('spec'), labelled: template });
    }
    case 'VirtualMachinePool': {
      const machine = spec.at('virtualMachineTemplate', 'spec');
      const template = machine.at('template');
      return many(root, { machine, instance: template.at('spec'), labelled: template });
    }
    default:
      return [];
  }
}

interface Parts {
  readonly machine: Cursor | null;
  readonly instance: Cursor;
  /** What has the labels by which anti-affinity finds the VM. */
  readonly labelled: Cursor;
}

function one(root: Cursor, { machine, instance, labelled }: Parts): Template {
  const { ledger } = root;
  if (ledger === null) throw new TypeError('a manifest without a ledger');
  const name = nameOf(root, null);
  const { namespace } = ledger.manifest;
  return { ledger, machine, instance, index: null, name, namespace, labels: labelsOf(labelled) };
}

function many(root: Cursor, parts: Parts): readonly Template[] {
  const replicas = root.at('spec', 'replicas').count(0, maxReplicas) ?? 1;
  const single = one(root, parts);
  return Array.from({ length: replicas }, (_, index) => ({
    ...single,
    index,
    name: nameOf(root, index),
  }));
}

function nameOf(root: Cursor, index: number | null): string {
  const at = root.at('metadata', 'name');
  const given = at.text();
  if (given === null) {
    at.refuse('is missing', { isFinal: true });
    return '';
  }
  const name = index === null ? given : `${given}-${index}`;
  if (namePattern.test(name)) return name;
  at.refuse('is not 1 to 63 lower-case letters, digits and inner dashes', { isFinal: true });
  return name;
}

function labelsOf(at: Cursor): ReadonlyMap<string, string> {
  const { value } = at.at('metadata', 'labels');
  const pairs = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return new Map(pairs.filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
}
