import { Visitor } from 'oxc-parser';
import type { CallExpression, Expression, ParseResult } from 'oxc-parser';

export interface TestTitle {
  readonly title: string;
  /** Marked as failing, skipped or not yet written: it shows nothing. */
  readonly isVoid: boolean;
}

/** What follows `test`, `it` or `describe` and still makes a test or a group of them. */
const modifiers = new Set([
  ...['concurrent', 'each', 'fails', 'for', 'only', 'runIf', 'sequential', 'shuffle'],
  ...['skip', 'skipIf', 'todo'],
]);
const voiding = new Set(['fails', 'skip', 'todo']);
const groups = new Set(['describe', 'suite']);

interface Group {
  readonly call: CallExpression;
  readonly title: string;
  readonly isVoid: boolean;
  tests: number;
}

/**
 * The names of the tests of a parsed file, and of the groups that hold a test, as far as they are
 * written out: of a name with values in it, what stands before the first. A name that is made
 * elsewhere (a variable) is left out: a claim must be there to be read.
 */
export function testTitles(parsed: ParseResult): readonly TestTitle[] {
  const makers = new Map<string, string>();
  for (const { moduleRequest, entries } of parsed.module.staticImports) {
    if (moduleRequest.value !== 'vitest') continue;
    for (const { importName, localName } of entries) {
      if (['describe', 'it', 'suite', 'test'].includes(importName.name ?? '')) {
        makers.set(localName.value, importName.name ?? '');
      }
    }
  }
  // The tree of a file is made when it is first asked for, and most files have no tests.
  if (makers.size === 0) return [];
  const titles: TestTitle[] = [];
  const open: Group[] = [];
  const parts = new Set<CallExpression>();
  new Visitor({
    CallExpression(call) {
      const maker = parts.has(call) ? null : makerOf(call, makers, parts);
      if (maker === null) return;
      const isVoid = maker.isVoid || open.some((group) => group.isVoid);
      const title = titleOf(call);
      if (maker.isGroup) open.push({ call, title, isVoid, tests: 0 });
      else titles.push({ title, isVoid });
      if (!maker.isGroup && !isVoid) for (const group of open) group.tests += 1;
    },
    'CallExpression:exit'(call) {
      if (open.at(-1)?.call !== call) return;
      const group = open.pop();
      if (group !== undefined) titles.push({ title: group.title, isVoid: group.tests === 0 });
    },
  }).visit(parsed.program);
  return titles;
}

/**
 * What a call makes; null for any other call. Of `test.each(table)('name', body)` the outer call
 * makes the test; the inner one goes into `parts`.
 */
function makerOf(
  call: CallExpression,
  makers: ReadonlyMap<string, string>,
  parts: Set<CallExpression>,
): { readonly isGroup: boolean; readonly isVoid: boolean } | null {
  let isVoid = false;
  let callee: Expression = call.callee;
  for (;;) {
    if (callee.type === 'Identifier') {
      const name = makers.get(callee.name);
      return name === undefined ? null : { isGroup: groups.has(name), isVoid };
    }
    if (callee.type === 'CallExpression') {
      parts.add(callee);
      callee = callee.callee;
    } else if (callee.type === 'TaggedTemplateExpression') {
      callee = callee.tag;
    } else if (callee.type === 'MemberExpression' && callee.property.type === 'Identifier') {
      if (!modifiers.has(callee.property.name)) return null;
      isVoid ||= voiding.has(callee.property.name);
      callee = callee.object;
    } else return null;
  }
}

function titleOf(call: CallExpression): string {
  const [argument] = call.arguments;
  if (argument?.type === 'Literal' && typeof argument.value === 'string') return argument.value;
  if (argument?.type === 'TemplateLiteral') return argument.quasis[0]?.value.cooked ?? '';
  return '';
}
