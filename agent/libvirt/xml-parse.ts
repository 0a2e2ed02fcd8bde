import type { Document, Element, Node } from '@xmldom/xmldom';
import { DOMParser, onErrorStopParsing, ParseError, XMLSerializer } from '@xmldom/xmldom';

/** Larger XML is refused: real domain definitions take a few kilobytes. */
export const maxXmlBytes = 1024 * 1024;

export type ParsedXml =
  | { readonly kind: 'ok'; readonly document: Document; readonly root: Element }
  | { readonly kind: 'invalid'; readonly message: string };

/** Parses XML whose root is `rootName`. A document type is refused, so entities cannot be defined. */
export function parseXml(xml: string, rootName: string): ParsedXml {
  if (Buffer.byteLength(xml) > maxXmlBytes) {
    return { kind: 'invalid', message: `XML is over ${maxXmlBytes} bytes` };
  }
  if (xml.trim() === '') return { kind: 'invalid', message: 'XML is empty' };
  const document = parseDocument(xml);
  if (typeof document === 'string') return { kind: 'invalid', message: document };
  if (document.doctype !== null) {
    return { kind: 'invalid', message: 'XML with a document type is not accepted' };
  }
  const root = document.documentElement;
  if (root === null || root.localName !== rootName) {
    return {
      kind: 'invalid',
      message: `root element is ${root?.nodeName ?? 'missing'}, not ${rootName}`,
    };
  }
  return { kind: 'ok', document, root };
}

function parseDocument(xml: string): Document | string {
  try {
    return new DOMParser({ onError: onErrorStopParsing }).parseFromString(xml, 'text/xml');
  } catch (error) {
    if (error instanceof ParseError) return `XML is not well-formed: ${error.message}`;
    throw error;
  }
}

export function serializeXml(node: Node): string {
  return new XMLSerializer().serializeToString(node);
}

/** The child elements, of one local name if it is given. */
export function childElements(parent: Element, localName?: string): readonly Element[] {
  const found: Element[] = [];
  for (let node = parent.firstChild; node !== null; node = node.nextSibling) {
    if (!isElement(node)) continue;
    if (localName === undefined || node.localName === localName) found.push(node);
  }
  return found;
}

export function firstChild(parent: Element, localName: string): Element | null {
  return childElements(parent, localName)[0] ?? null;
}

/** An attribute's value; null when it, or the element itself, is absent. */
export function attribute(of: Element | null, name: string): string | null {
  return of?.getAttribute(name) ?? null;
}

/** The trimmed text of a child element, or null when it is absent. */
export function childText(parent: Element, localName: string): string | null {
  return firstChild(parent, localName)?.textContent?.trim() ?? null;
}

function isElement(node: Node): node is Element {
  return node.nodeType === node.ELEMENT_NODE;
}
