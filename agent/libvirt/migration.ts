import type { MigrationProgress, MigrationRequest } from '../hypervisor.ts';
import type { DomainRef } from './domain-ref.ts';
import { patchDomainXml } from './domain-xml-read.ts';
import { jobUnderWay, migrateAutoConverge, migrateFlags } from './flags.ts';
import type { Parameter } from './typed-parameters.ts';

/** How one libvirtd reaches another. The guest's memory travels on its own connection beside it. */
export type MigrationTransport = 'tls' | 'tcp';

interface MigrationArguments {
  readonly domain: DomainRef;
  readonly destination: string;
  readonly parameters: readonly Parameter[];
  readonly cookie: Uint8Array;
  readonly flags: number;
}

/**
 * What libvirt is asked for: the destination by address, because it would ask for its host name and may
 * not be able to resolve it, and the definition with the new permit in both of its halves.
 */
export function migrationArguments(
  domain: DomainRef,
  { vm, permit, address, limits }: MigrationRequest,
  xml: { readonly live: string; readonly stored: string },
  transport: MigrationTransport,
):
  | { readonly kind: 'ok'; readonly value: MigrationArguments }
  | { readonly kind: 'invalid'; readonly message: string } {
  const patch = { name: domain.name, vm, permit };
  const live = patchDomainXml(xml.live, patch);
  if (live.kind === 'invalid') return live;
  const stored = patchDomainXml(xml.stored, patch);
  if (stored.kind === 'invalid') return stored;
  const host = address.includes(':') ? `[${address}]` : address;
  const parameters: Parameter[] = [
    text('migrate_uri', `tcp://${host}`),
    text('destination_xml', live.xml),
    text('persistent_xml', stored.xml),
  ];
  if (limits.bandwidthMiBs !== null) {
    const value = { type: 'ulong', value: BigInt(limits.bandwidthMiBs) } as const;
    parameters.push({ field: 'bandwidth', value });
  }
  return {
    kind: 'ok',
    value: {
      domain,
      destination: `qemu+${transport}://${host}/system`,
      parameters,
      cookie: new Uint8Array(),
      flags: migrateFlags | (limits.autoConverge ? migrateAutoConverge : 0),
    },
  };
}

function text(field: string, value: string): Parameter {
  return { field, value: { type: 'string', value } };
}

/** The migration in a domain's job statistics; null when none is under way. */
export function progressOf(stats: {
  readonly type: number;
  readonly parameters: readonly Parameter[];
}): MigrationProgress | null {
  if (!jobUnderWay.has(stats.type)) return null;
  const number = (field: string): number => {
    const found = stats.parameters.find((parameter) => parameter.field === field)?.value;
    return found?.type === 'ulong' || found?.type === 'long' ? Number(found.value) : 0;
  };
  return {
    totalBytes: number('data_total'),
    remainingBytes: number('data_remaining'),
    elapsedMs: number('time_elapsed'),
  };
}
