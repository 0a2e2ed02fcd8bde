/** Markup that is safe to stand in a page as it is. Only `html` and `trusted` make it. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type HtmlPart = Html | string | number | null | readonly HtmlPart[];

/**
 * Markup with values in it. What is not markup itself is escaped so that it is text wherever it
 * stands, also within a quoted attribute; null is nothing. Values never stand in a tag's name, in an
 * unquoted attribute, in a script or in a style: the page has no place for them there.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return new Html(
    strings.reduce(
      (text, string, index) => `${text}${rendered(parts[index - 1] ?? null)}${string}`,
    ),
  );
}

/** Text of our own, a style sheet, that is to stand as it is. Never anything that was read. */
export function trusted(text: string): Html {
  return new Html(text);
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** What a page may not hold, halves of characters, and what turns the direction of text. */
const unprintable = /[\p{Surrogate}\p{Noncharacter_Code_Point}\p{Control}\p{Bidi_Control}]/gu;

/** Text as it may stand between tags and in a quoted attribute. What cannot be shown becomes �. */
export function escaped(text: string): string {
  return text
    .replaceAll(unprintable, (each) => (each === '\n' || each === '\t' ? each : '\uFFFD'))
    .replaceAll(/[&<>"'`]/g, (character) => entities[character] ?? '');
}

function rendered(part: HtmlPart): string {
  if (part === null) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'string') return escaped(part);
  if (typeof part === 'number') return String(part);
  return part.map(rendered).join('');
}
