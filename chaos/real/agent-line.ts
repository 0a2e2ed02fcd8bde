import { isObject, objectAt, textAt, type Fact, type Json } from '../checkers/history.ts';

/**
 * The result that an agent notes when it has carried out a command, as the message that it sends
 * next. Any other line of its log says nothing.
 */
export function readAgentLine(node: string, line: string): readonly Fact[] {
  let parsed: Json;
  try {
    parsed = JSON.parse(line) as Json;
  } catch {
    return []; // something that Node.js itself wrote
  }
  if (!isObject(parsed)) return [];
  const outcome = objectAt(parsed, 'outcome');
  const operation = textAt(parsed, 'operation');
  if (outcome === null || operation === null) return [];
  const body = { kind: 'result', operation, outcome };
  return [{ kind: 'message', stage: 'delivered', from: node, to: 'manager', sentAtMs: 0, body }];
}
