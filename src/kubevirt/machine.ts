import { cardsOf, type PlacedCard } from './cards.ts';
import { Cursor } from './cursor.ts';
import { desiredOf } from './desired.ts';
import { disksOf, type PlacedDisk } from './disks.ts';
import { hardwareOf } from './hardware.ts';
import type { InstanceTypes } from './instance-types.ts';
import type { Ledger } from './ledger.ts';
import { memoryOf, sizeOf } from './memory.ts';
import { nodesOf, priorityOf, separateFromOf, type Labelled } from './placement.ts';
import { processorsOf } from './processors.ts';
import type { SiteMaps } from './site-maps.ts';
import type { Template } from './templates.ts';
import type { VmFile } from './vm-file.ts';

/** A VM file, and what it was made from. */
export interface Machine {
  readonly file: VmFile;
  readonly template: Template;
  /** Books of its manifest, and of the instance type and preference that are worked into it. */
  readonly ledgers: readonly Ledger[];
  readonly disks: readonly PlacedDisk[];
  readonly cards: readonly PlacedCard[];
}

export interface Surroundings {
  readonly maps: SiteMaps;
  readonly types: InstanceTypes;
  readonly all: readonly Labelled[];
}

export function machineOf(template: Template, { maps, types, all }: Surroundings): Machine {
  const { machine, instance, name, namespace } = template;
  const spec = machine ?? Cursor.nowhere;
  const instancetype = types.find(spec, 'instancetype', namespace);
  const preference = types.find(spec, 'preference', namespace);
  const domain = instance.at('domain');
  const wanted = machine === null ? ({ desired: 'running' } as const) : desiredOf(machine);
  const processors = processorsOf({ domain, instancetype, preference });
  const { mib, ...memory } = memoryOf(domain, instancetype);
  checkNeeds(spec, preference, { cpus: processors.cpus, mib });
  const ownVolume = volumeNames(template);
  const disks = disksOf(instance, { vm: name, namespace, ownVolume, maps, preference });
  const cards = cardsOf(instance, { maps, preference });
  const nodes = nodesOf(instance, { maps, instancetype });
  const separateFrom = separateFromOf(instance, template, all);
  const priority = priorityOf(instance, maps);
  const { id, ...hardware } = hardwareOf(domain, preference);
  const file: VmFile = {
    name,
    ...(id === undefined ? {} : { id }),
    ...wanted,
    ...processors,
    ...memory,
    ...hardware,
    ...(priority === null ? {} : { priority }),
    ...(nodes === null ? {} : { nodes }),
    ...(separateFrom.length === 0 ? {} : { separateFrom }),
    disks: disks.map((one) => one.disk),
    interfaces: cards.map((one) => one.card),
  };
  const ledgers = [template.ledger, instancetype.ledger, preference.ledger].filter(
    (one) => one !== null,
  );
  return { file, template, ledgers, disks, cards };
}

/** A preference may say what its guests need at least. */
function checkNeeds(
  spec: Cursor,
  preference: Cursor,
  has: { readonly cpus: number; readonly mib: number },
): void {
  const cpus = preference.at('requirements', 'cpu', 'guest').count(1, 1024) ?? 0;
  const mib = sizeOf(preference.at('requirements', 'memory', 'guest')) ?? 0;
  if (has.cpus >= cpus && has.mib >= mib) return;
  const needs = `${cpus} CPUs and ${mib}MiB, and the VM has ${has.cpus} and ${has.mib}MiB`;
  spec.at('preference', 'name').refuse(`asks for at least ${needs}`, { isFinal: true });
}

/** A pool makes the data volumes of its templates once for each VM, with its number behind the name. */
function volumeNames({ machine, instance, index }: Template): (name: string) => string {
  const wanted = new Set(
    instance
      .at('volumes')
      .items()
      .flatMap((one) => [
        one.at('dataVolume', 'name').value,
        one.at('persistentVolumeClaim', 'claimName').value,
      ]),
  );
  const own = new Set<string>();
  for (const template of machine?.at('dataVolumeTemplates').items() ?? []) {
    const at = template.at('metadata', 'name');
    const name = at.text();
    if (name === null) continue;
    if (index !== null && wanted.has(name)) own.add(name);
    else at.lose('note', 'the disk of --pvc-map has its contents already');
  }
  return (name) => (own.has(name) ? `${name}-${index}` : name);
}
