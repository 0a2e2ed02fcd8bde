import type { ExplanationView } from '../../api/schema/views.ts';
import {
  explainFence,
  explainNode,
  explainVm,
  type Explanation,
} from '../../core/explain/awaiting.ts';
import { findingCodes, type FindingCode } from '../../core/explain/finding-codes.ts';
import { failoverId, fenceId, nodeId } from '../../core/model/ids.ts';
import { ok, problem, problemCodes, type Outcome, type ProblemCode } from '../../core/problem.ts';
import type { Sight } from './views.ts';
import { findVm } from './vm-service.ts';

/** Says of a code, node, VM, fence operation or failover what is so and what would change it. */
export function explainTopic(topic: string, sight: Sight): Outcome<ExplanationView> {
  const { mirror, observations } = sight;
  if (Object.hasOwn(problemCodes, topic)) {
    const text = problemCodes[topic as ProblemCode];
    return ok({ topic, facts: [text], awaiting: [], try: ['docs/errors.md'] });
  }
  if (Object.hasOwn(findingCodes, topic)) {
    const text = findingCodes[topic as FindingCode];
    return ok({ topic, facts: [text], awaiting: [], try: ['kennel status'] });
  }
  const node = mirror.nodes.get(nodeId(topic));
  if (node !== undefined) return ok(viewOf(topic, explainNode(node, mirror, observations)));
  const vm = findVm(mirror, topic);
  if (vm !== undefined) return ok(viewOf(topic, explainVm(vm, mirror, observations)));
  const fence = mirror.fences.get(fenceId(topic));
  if (fence !== undefined) return ok(viewOf(topic, explainFence(fence, mirror, observations)));
  const failover = mirror.failovers.get(failoverId(topic));
  const itsFence = failover === undefined ? undefined : mirror.fences.get(failover.fence);
  if (itsFence !== undefined) {
    return ok(viewOf(topic, explainFence(itsFence, mirror, observations)));
  }
  return problem({
    code: 'E_NOT_FOUND',
    what: `there is nothing called ${topic}`,
    because: 'it is no error code, node, VM, fence operation or failover',
    so: 'nothing can be said of it',
    try: ['kennel status', 'kennel failover ls'],
  });
}

function viewOf(topic: string, explanation: Explanation): ExplanationView {
  return {
    topic,
    facts: [...explanation.facts],
    awaiting: [...explanation.awaiting],
    try: [...explanation.try],
  };
}
