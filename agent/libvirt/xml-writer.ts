/** Text that XML 1.0 cannot carry. Thrown while writing; `writeXml` turns it into a result. */
class XmlTextError extends Error {}

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly children: readonly (XmlElement | string)[];
}

export function element(
  name: string,
  attributes: XmlElement['attributes'] = {},
  ...children: readonly (XmlElement | string)[]
): XmlElement {
  return { name, attributes, children };
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // A parser turns white space in attributes into blanks unless it is written as a reference.
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
  // Line ends of XML 1.1, which some parsers turn into a line feed in XML 1.0 too.
  '\u0085': '&#133;',
  '\u2028': '&#8232;',
};

// eslint-disable-next-line no-control-regex -- these are the characters XML 1.0 does not have
const illegal = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|\p{Surrogate}/u;

function escape(text: string): string {
  const found = illegal.exec(text);
  if (found !== null) {
    const point = found[0].codePointAt(0) ?? 0;
    throw new XmlTextError(`character U+${point.toString(16).padStart(4, '0')} cannot be in XML`);
  }
  return text.replaceAll(
    /[&<>"\t\n\r\u0085\u2028]/g,
    (character) => entities[character] ?? character,
  );
}

function write({ name, attributes, children }: XmlElement, indent: string): string {
  const start = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escape(String(value))}"`)
    .join('');
  if (children.length === 0) return `${indent}<${name}${start}/>`;
  if (children.every((child) => typeof child === 'string')) {
    return `${indent}<${name}${start}>${children.map((child) => escape(child)).join('')}</${name}>`;
  }
  const inner = children.map((child) =>
    typeof child === 'string' ? `${indent}  ${escape(child)}` : write(child, `${indent}  `),
  );
  return [`${indent}<${name}${start}>`, ...inner, `${indent}</${name}>`].join('\n');
}

export type WrittenXml =
  | { readonly kind: 'ok'; readonly xml: string }
  | { readonly kind: 'invalid'; readonly message: string };

/** Writes a tree, two blanks a level, everything escaped. Names are trusted, values are not. */
export function writeXml(root: XmlElement): WrittenXml {
  try {
    return { kind: 'ok', xml: `${write(root, '')}\n` };
  } catch (error) {
    if (error instanceof XmlTextError) return { kind: 'invalid', message: error.message };
    throw error;
  }
}
