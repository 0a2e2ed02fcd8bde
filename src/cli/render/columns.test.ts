import { expect, test } from 'vitest';
import { cut, renderColumns, wrap } from './columns.ts';

test('columns are two blanks apart, lines have no blanks at their end', () => {
  const lines = renderColumns(
    ['A', 'LONG', 'C'],
    [[{ text: 'aaa' }, { text: 'b' }, { text: '' }]],
    80,
  );
  expect(lines).toEqual(['A    LONG  C', 'aaa  b']);
});

test('colour is put on after padding and moves nothing', () => {
  const paint = (text: string): string => `<${text}>`;
  const lines = renderColumns(['STATE', 'N'], [[{ text: 'on', paint }, { text: '1' }]], 80);
  expect(lines[1]).toBe('<on>     1');
});

test('a wide character counts as two columns', () => {
  const lines = renderColumns(['A', 'B'], [[{ text: '虚拟' }, { text: 'x' }]], 80);
  expect(lines).toEqual(['A     B', '虚拟  x']);
});

test('only the last column is cut', () => {
  const lines = renderColumns(
    ['A', 'B'],
    [[{ text: 'a'.repeat(12) }, { text: 'b'.repeat(12) }]],
    20,
  );
  expect(lines[1]).toBe(`${'a'.repeat(12)}  bbbbb…`);
  expect(cut('abc', 3)).toBe('abc');
});

test('control characters of others never reach the terminal', () => {
  const lines = renderColumns(['A'], [[{ text: 'x\u001b[2Jy\nz' }]], 80);
  expect(lines[1]).toBe('x?[2Jy z');
  expect(wrap('a\u0007 b', 80)).toEqual(['a? b']);
});

test('text is broken at blanks, a word longer than the line keeps a line to itself', () => {
  expect(wrap('one two three', 8)).toEqual(['one two', 'three']);
  expect(wrap('a bbbbbbbbbb c', 4)).toEqual(['a', 'bbbbbbbbbb', 'c']);
  expect(wrap('', 10)).toEqual(['']);
});
