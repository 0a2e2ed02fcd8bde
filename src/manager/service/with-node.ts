import type { Draft } from '../../core/decide/draft.ts';
import { nodeId } from '../../core/model/ids.ts';
import type { NodeRecord } from '../../core/model/node.ts';
import { problem, type Outcome } from '../../core/problem.ts';
import { unknownNode } from '../problems.ts';

/** What a change does with a node, or that there is no such node. */
export function withNode<T>(
  draft: Draft,
  name: string,
  use: (node: NodeRecord) => Outcome<T>,
): Outcome<T> {
  const node = draft.node(nodeId(name));
  return node === undefined ? problem(unknownNode(name)) : use(node);
}
