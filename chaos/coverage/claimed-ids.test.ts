import { describe, expect, test } from 'vitest';
import { readCatalogue } from './catalogue.ts';
import { idsOfTitle, problemOf, readId } from './claimed-ids.ts';

const catalogue = readCatalogue(`# Page
|row|cases|
|---|---|
|M1|intent, off|

## M — manager
|id|scenario|correct outcome|tested|
|---|---|---|---|
|M1|it dies|somebody goes on|both|
|M2|it stands still|nothing|sim|
`);

describe('the ids of a name', () => {
  test.each([
    ['M1: it goes on', ['M1']],
    ['N1 B3 N21: VMs run elsewhere', ['N1', 'B3', 'N21']],
    ['W17, M3: an old word is refused', ['W17', 'M3']],
    ['M1/intent M1/*: it goes on', ['M1/intent', 'M1/*']],
    ['it goes on', []],
    ['M1 goes on', []],
    ['slow 3 s: sent once', []],
    ['N1 and B3: VMs run elsewhere', []],
    ['', []],
  ])('of %j are %j', (title, ids) => {
    const found = idsOfTitle(title).map((one) =>
      one.case === null ? one.id : `${one.id}/${one.case}`,
    );
    expect(found).toEqual(ids);
  });
});

describe('an id', () => {
  test.each([
    ['M2', null],
    ['M1', null],
    ['M1/off', null],
    ['M1/*', null],
    ['M3', 'M3 is no row of docs/failures.md'],
    ['M2/off', 'M2 has no cases'],
    ['M1/on', 'on is no case of M1; its cases are intent, off'],
  ])('%s: %s', (text, problem) => {
    const id = readId(text);
    expect(id === null ? 'no id' : problemOf(id, catalogue)).toBe(problem);
  });

  test('of another form is none', () => {
    expect([readId('m1'), readId('M'), readId('M1/'), readId('M1 ')]).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });
});

describe('a catalogue that breaks its own rules is refused', () => {
  const page = (row: string): string =>
    `## M — manager\n|id|scenario|correct outcome|tested|\n|---|---|---|---|\n|M1|a|b|sim|\n${row}\n`;

  test.each([
    ['|M1|a|b|sim|', 'an id stands twice'],
    ['|N1|a|b|sim|', 'N1 stands under M — manager'],
    ['|M2|a|b|often|', 'M2 is to be tested "often"'],
    ['|M2|a|sim|', 'has 3 cells'],
    ['|M2|a|b|c|sim|', 'has 5 cells'],
  ])('%s: %s', (row, message) => {
    expect(() => readCatalogue(page(row))).toThrow(message);
  });

  test('an empty page', () => {
    expect(() => readCatalogue('')).toThrow('no rows');
  });
});
