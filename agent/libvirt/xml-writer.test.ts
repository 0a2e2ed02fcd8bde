import { DOMParser } from '@xmldom/xmldom';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { element, writeXml } from './xml-writer.ts';

describe('the XML writer', () => {
  it('any text that XML can carry is read back unchanged', () => {
    const unit = fc.constantFrom(...Array.from('&<>"\'\t\n\r ];a\u0085å\u2028€😀'));
    const text = fc.string({ unit, maxLength: 12 });
    fc.assert(
      fc.property(text, text, (inAttribute, inText) => {
        const written = writeXml(element('a', { b: inAttribute }, element('c', {}, inText)));
        if (written.kind === 'invalid') throw new Error(written.message);
        const root = new DOMParser().parseFromString(written.xml, 'text/xml').documentElement;
        expect(root?.getAttribute('b')).toBe(inAttribute);
        expect(root?.getElementsByTagName('c')[0]?.textContent).toBe(inText);
      }),
      { numRuns: 100 },
    );
  });

  it('a character that XML cannot carry is refused by name', () => {
    for (const bad of ['\u0000', '\u001B', '\uFFFF', '\uD800']) {
      expect(writeXml(element('a', { b: `x${bad}` }))).toMatchObject({ kind: 'invalid' });
    }
    expect(writeXml(element('a', {}, '\u0007'))).toEqual({
      kind: 'invalid',
      message: 'character U+0007 cannot be in XML',
    });
  });

  it('no value can close its element or attribute', () => {
    const written = writeXml(element('a', { b: `'"><x y="` }, ']]></a><b>&lt;'));
    expect(written).toEqual({
      kind: 'ok',
      xml: `<a b="'&quot;&gt;&lt;x y=&quot;">]]&gt;&lt;/a&gt;&lt;b&gt;&amp;lt;</a>\n`,
    });
  });
});
