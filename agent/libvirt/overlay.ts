import type { Document, Element } from '@xmldom/xmldom';
import { childElements, firstChild, parseXml, serializeXml } from './xml-parse.ts';
import type { WrittenXml } from './xml-writer.ts';

/**
 * Puts a person's `<domain>` into the XML made from a typed spec: an element of both has the overlay's
 * attributes as well, and its children in place of those of the same name. In `<devices>` children are
 * added, because there may be many of a name.
 */
export function withOverlay(xml: string, overlay: string): WrittenXml {
  const base = parseXml(xml, 'domain');
  if (base.kind === 'invalid') return base;
  const added = parseXml(overlay, 'domain');
  if (added.kind === 'invalid') return { kind: 'invalid', message: `overlay: ${added.message}` };
  for (const child of childElements(added.root)) {
    const name = child.localName ?? child.tagName;
    const mine = child.prefix === null ? firstChild(base.root, name) : null;
    if (mine === null) base.root.appendChild(copy(base.document, child));
    else merge(base.document, mine, child);
  }
  return { kind: 'ok', xml: serializeXml(base.document) };
}

function merge(document: Document, mine: Element, theirs: Element): void {
  for (const { name, value } of Array.from(theirs.attributes)) mine.setAttribute(name, value);
  const children = childElements(theirs);
  if (mine.localName !== 'devices') {
    for (const child of children) {
      for (const old of childElements(mine, child.localName ?? child.tagName)) {
        mine.removeChild(old);
      }
    }
  }
  for (const child of children) mine.appendChild(copy(document, child));
}

function copy(document: Document, element: Element): Element {
  return document.importNode(element, true);
}
