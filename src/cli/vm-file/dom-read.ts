import type { Element, Node } from '@xmldom/xmldom';

function isElement(node: Node): node is Element {
  return node.nodeType === 1;
}

/** Direct children, of one name where it is given; none of a missing parent. */
export function childElements(parent: Element | null, name?: string): readonly Element[] {
  if (parent === null) return [];
  return Array.from(parent.childNodes)
    .filter(isElement)
    .filter((child) => name === undefined || child.tagName === name);
}

export function firstChild(parent: Element | null, name: string): Element | null {
  return childElements(parent, name)[0] ?? null;
}

export function childText(parent: Element, name: string): string | null {
  return firstChild(parent, name)?.textContent?.trim() ?? null;
}

/** Null when the element or the attribute is missing. */
export function attribute(element: Element | null, name: string): string | null {
  return element?.hasAttribute(name) === true ? element.getAttribute(name) : null;
}

/** Line of the element in the file, 1-based. */
export function lineOf(element: Element): number {
  return 'lineNumber' in element && typeof element.lineNumber === 'number' ? element.lineNumber : 1;
}
