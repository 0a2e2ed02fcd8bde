import { Cursor } from './cursor.ts';
import { Ledger, type Loss, type Refusal } from './ledger.ts';
import { InstanceTypes } from './instance-types.ts';
import { machineOf, type Machine } from './machine.ts';
import { manifestsOf } from './manifest.ts';
import type { SiteMaps } from './site-maps.ts';
import { isSet, templatesOf, type Template } from './templates.ts';
import { refuseSharing } from './sharing.ts';
import type { VmFile } from './vm-file.ts';

export interface Source {
  readonly file: string;
  /** One document, as JSON has it. */
  readonly document: unknown;
}

export interface Options {
  readonly maps: SiteMaps;
  /** Fields whose loss a person accepts though it is not safe: runs of path steps, `devices.gpus`. */
  readonly lose: readonly string[];
}

/** What comes of manifests. Every leaf of them is in an object, or in a loss or refusal. */
export interface Conversion {
  /** Documents of a VM file, of manifests in which nothing is refused. */
  readonly objects: readonly VmFile[];
  readonly losses: readonly Loss[];
  readonly refused: readonly Refusal[];
}

/** Makes VM files from manifests of KubeVirt. Pure: the same in, the same out. */
export function convert(sources: readonly Source[], options: Options): Conversion {
  const { machines, ledgers } = workOut(sources, options);
  return {
    objects: machines.filter((one) => !isRefused(one)).map((one) => one.file),
    losses: ledgers.flatMap((one) => one.losses()),
    refused: ledgers.flatMap((one) => one.refusals()),
  };
}

/** Every VM, also one in which something is refused, and the closed books of every manifest. */
export function workOut(
  sources: readonly Source[],
  options: Options,
): { readonly machines: readonly Machine[]; readonly ledgers: readonly Ledger[] } {
  const ledgers = sources
    .flatMap(({ file, document }) => manifestsOf(file, document))
    .map((manifest) => new Ledger(manifest, options.lose));
  const types = new InstanceTypes(ledgers);
  const templates = ledgers.flatMap(templatesOf);
  const machines = templates.map((template) =>
    machineOf(template, { maps: options.maps, types, all: templates }),
  );
  refuseSharing(machines);
  const used = new Set(machines.flatMap((one) => one.ledgers));
  const unused = new Map([
    ...types.unused().map((one) => [one, 'no VM of these files names it'] as const),
    ...setsOfNone(ledgers, templates).map((one) => [one, 'it asks for no VM'] as const),
  ]);
  for (const ledger of ledgers) {
    settleIdentity(ledger, used.has(ledger));
    ledger.close(unused.get(ledger) ?? null);
  }
  return { machines, ledgers };
}

function isRefused({ ledgers }: Machine): boolean {
  return ledgers.some((one) => one.isRefused);
}

/** Pools and sets with no replicas. */
function setsOfNone(ledgers: readonly Ledger[], templates: readonly Template[]): readonly Ledger[] {
  const filled = new Set(templates.map((one) => one.ledger));
  return ledgers.filter((one) => isSet(one) && !filled.has(one));
}

/** By these it is decided what becomes of a manifest, and they say nothing more. */
function settleIdentity(ledger: Ledger, isUsed: boolean): void {
  if (!ledger.isOfKnownKind) return;
  const root = Cursor.of(ledger);
  const version = root.at('apiVersion');
  if (typeof version.value === 'string' && !/\/v\d+((alpha|beta)\d+)?$/.test(version.value)) {
    version.refuse('is no version of an API', { isFinal: true });
  }
  for (const at of [version, root.at('kind'), root.at('metadata', 'name')]) {
    if (!at.exists) continue;
    if (isUsed) at.take();
    else at.lose('note', 'nothing is made of it');
  }
}
