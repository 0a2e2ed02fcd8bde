import type { Element } from '@xmldom/xmldom';
import { incarnationId, nodeId, token, vmId } from '../../src/core/model/ids.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import { parseXml } from './xml-parse.ts';
import type { WrittenXml, XmlElement } from './xml-writer.ts';
import { element, writeXml } from './xml-writer.ts';

export const permitNamespace = 'urn:kennel:permit:1';
export const permitPrefix = 'kennel';
export const permitName = 'permit';

export function permitAttributes(permit: Permit): Readonly<Record<string, string>> {
  const { vm, node, incarnation } = permit;
  return { vm, node, incarnation, token: String(permit.token) };
}

/** The permit as it stands inside a domain's `metadata`. */
export function permitElement(permit: Permit): XmlElement {
  return element(`${permitPrefix}:${permitName}`, {
    [`xmlns:${permitPrefix}`]: permitNamespace,
    ...permitAttributes(permit),
  });
}

/** The permit as libvirt wants it for its set-metadata call, which adds prefix and namespace. */
export function permitXml(permit: Permit): WrittenXml {
  return writeXml(element(permitName, permitAttributes(permit)));
}

/** Reads the element's attributes; null when one is missing or the token is not a whole number. */
export function permitFromElement(permit: Element): Permit | null {
  const vm = permit.getAttribute('vm') ?? '';
  const node = permit.getAttribute('node') ?? '';
  const incarnation = permit.getAttribute('incarnation') ?? '';
  const tokenText = permit.getAttribute('token') ?? '';
  const number = Number(tokenText);
  if (vm === '' || node === '' || incarnation === '') return null;
  if (!/^\d{1,16}$/.test(tokenText) || !Number.isSafeInteger(number)) return null;
  return {
    vm: vmId(vm),
    node: nodeId(node),
    incarnation: incarnationId(incarnation),
    token: token(number),
  };
}

/**
 * Reads what libvirt's get-metadata call returns. It drops prefix and namespace, so the local name
 * decides. Null when it is not a whole permit.
 */
export function parsePermit(xml: string): Permit | null {
  const parsed = parseXml(xml, permitName);
  return parsed.kind === 'ok' ? permitFromElement(parsed.root) : null;
}
