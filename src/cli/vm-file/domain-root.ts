import { DOMParser } from '@xmldom/xmldom';
import type { Element } from '@xmldom/xmldom';
import type { Parsed } from './spec-problem.ts';

/** The `<domain>` of a text that may be anything. A document type is refused. */
export function parseRoot(text: string): Parsed<Element> {
  // Entities could make a small file huge, and libvirt's XML never has any.
  if (/<!DOCTYPE/i.test(text)) return invalid(1, '', 'a document type is not taken', null);
  const faults: { readonly line: number; readonly text: string }[] = [];
  const parser = new DOMParser({
    onError: (level, message, context: { locator?: { lineNumber?: number } } | undefined) => {
      if (level === 'warning') return;
      faults.push({ line: context?.locator?.lineNumber ?? 1, text: message });
    },
  });
  let root: Element | null;
  try {
    root = parser.parseFromString(text, 'text/xml').documentElement;
  } catch (error) {
    faults.push({ line: 1, text: error instanceof Error ? error.message : String(error) });
    root = null;
  }
  const [fault] = faults;
  if (fault !== undefined) {
    return invalid(fault.line, '', `it is not well-formed: ${fault.text}`, null);
  }
  if (root === null || root.tagName !== 'domain') {
    const what = `its root is <${root?.tagName ?? ''}>, a VM is a <domain>`;
    return invalid(1, '', what, 'virsh dumpxml NAME prints one');
  }
  return { kind: 'ok', value: root };
}

function invalid(
  line: number,
  field: string,
  what: string,
  suggestion: string | null,
): Parsed<never> {
  return { kind: 'invalid', problems: [{ line, field, what, suggestion }] };
}
