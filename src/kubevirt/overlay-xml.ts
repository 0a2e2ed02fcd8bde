/** One element of a domain's XML that a VM file has no field for. */
export interface Xml {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly body: string | readonly Xml[];
}

export function xml(tag: string, attributes: Xml['attributes'], ...body: readonly Xml[]): Xml {
  return { tag, attributes, body };
}

export function xmlText(tag: string, attributes: Xml['attributes'], body: string): Xml {
  return { tag, attributes, body };
}

/** `<domain>` with these below it; null = there is nothing to say. */
export function overlayOf(parts: readonly Xml[]): string | null {
  return parts.length === 0 ? null : written(xml('domain', {}, ...parts));
}

function written({ tag, attributes, body }: Xml): string {
  const names = Object.entries(attributes).map(
    ([key, value]) => ` ${key}='${escaped(`${value}`)}'`,
  );
  const inner = typeof body === 'string' ? escaped(body) : body.map(written).join('');
  return inner === '' ? `<${tag}${names.join('')}/>` : `<${tag}${names.join('')}>${inner}</${tag}>`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll("'", '&apos;');
}
