import type { Permit } from '../../src/core/model/permit.ts';
import type { VmSpec } from '../../src/core/model/vm.ts';
import { domainXml } from './domain-xml.ts';
import { patchDomainXml, readDomainXml } from './domain-xml-read.ts';

export type DomainDefinition =
  | {
      readonly kind: 'ok';
      readonly xml: string;
      /** Ours is checked against libvirt's schema; a person's own XML may go beyond it. */
      readonly validate: boolean;
    }
  | { readonly kind: 'invalid'; readonly message: string };

/** The domain XML to define for a VM, with the permit in its metadata. */
export function domainDefinition(spec: VmSpec, permit: Permit): DomainDefinition {
  const { definition, name } = spec;
  if (definition.kind === 'typed') {
    const written = domainXml(spec, definition, permit);
    const isOurs = (definition.hardware?.overlay ?? null) === null;
    return written.kind === 'ok' ? { ...written, validate: isOurs } : written;
  }
  const patched = patchDomainXml(definition.xml, { name, vm: permit.vm, permit });
  if (patched.kind === 'invalid') return patched;
  const readable = readDomainXml(patched.xml);
  return readable.kind === 'ok' ? { ...patched, validate: false } : readable;
}
