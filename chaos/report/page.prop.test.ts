import fc from 'fast-check';
import { parse } from 'parse5';
import type { DefaultTreeAdapterTypes } from 'parse5';
import { expect, test } from 'vitest';
import { escaped } from './html.ts';
import { reportPage } from './page.ts';
import { fullInputs } from './testing/full-inputs.ts';

type Element = DefaultTreeAdapterTypes.Element;
type Node = DefaultTreeAdapterTypes.Node;

/** Reads a page as a browser does. */
function elementsOf(page: string): readonly Element[] {
  const found: Element[] = [];
  const problems: string[] = [];
  const visit = (node: Node): void => {
    if ('tagName' in node) found.push(node);
    if ('childNodes' in node) for (const child of node.childNodes) visit(child);
  };
  visit(parse(page, { onParseError: ({ code }) => problems.push(code) }));
  expect(problems).toEqual([]);
  return found;
}

function textIn(node: Node): string {
  if ('value' in node) return node.value;
  return 'childNodes' in node ? node.childNodes.map(textIn).join('') : '';
}

const attacks = [
  '<script>alert(1)</script>',
  '</style><script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '` onfocus=`alert(1)',
  'javascript:alert(1)',
  '--><iframe srcdoc="<script>">',
  ']]><svg/onload=alert(1)>',
  '</title></code></td></table></body></html><script>',
  '&lt;script&gt;&#60;b&#62;&amp',
  '${alert(1)}<%= 1 %>',
];
const anyText = fc.oneof(
  fc.constantFrom(...attacks),
  fc.string({ unit: 'binary' }),
  fc
    .tuple(fc.string(), fc.constantFrom(...attacks), fc.string({ unit: 'grapheme' }))
    .map((parts) => parts.join('')),
);

/** The place of each element, without what was read. */
const shapeOf = (page: string): readonly string[] =>
  elementsOf(page).map(
    ({ tagName, attrs }) => `${tagName} ${attrs.map(({ name }) => name).join(' ')}`,
  );

const acting = new Set(['script', 'iframe', 'img', 'object', 'embed', 'base', 'link', 'form']);

/** Whatever would run or fetch something, or lead away. */
function actsIn({ tagName, attrs }: Element): readonly string[] {
  const bad = attrs.filter(
    ({ name, value }) =>
      /^on|^src|^style$|^xlink/.test(name) || (name === 'href' && !/^#[a-z]+$/.test(value)),
  );
  return [
    ...(acting.has(tagName) ? [tagName] : []),
    ...bad.map(({ name }) => `${tagName} ${name}`),
  ];
}

/* The name is part of each text, so that two texts are never one key or one kind of proof. */
const plain = shapeOf(
  reportPage(
    fullInputs((name) => name),
    'now',
  ),
);

test('whatever was read, the page has the same elements and attributes, and nothing that acts', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const page = reportPage(
        fullInputs((name) => `${name} ${text}`),
        text,
      );
      expect(shapeOf(page)).toEqual(plain);
      expect(elementsOf(page).flatMap(actsIn)).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test('what was read is shown as it was, character for character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const page = reportPage(
        fullInputs((name) => `${name} ${text}`),
        'now',
      );
      const shown = elementsOf(page)
        .filter(({ tagName }) => tagName === 'td')
        .map(textIn);
      // A page reads a line break of any kind as \n.
      expect(shown).toContain(`message ${text}`);
    }),
    { numRuns: 40 },
  );
});

test('what a page cannot hold, and what turns text around, is shown as a replacement', () => {
  expect(escaped('a\u0000b\u001B[31mc\u202Ed\uD800e\uFFFFf')).toBe('a�b�[31mc�d�e�f');
  expect(escaped('line\n\ttab 😀 é')).toBe('line\n\ttab 😀 é');
});

test('the page asks for nothing outside of itself, and forbids it', () => {
  const page = reportPage(
    fullInputs((name) => name),
    'now',
  );
  expect(page).not.toMatch(/https?:|url\(|@import/);
  const policy = elementsOf(page).find(({ attrs }) =>
    attrs.some(({ value }) => value === 'Content-Security-Policy'),
  );
  expect(policy?.attrs.find(({ name }) => name === 'content')?.value).toContain(
    "default-src 'none'",
  );
});
