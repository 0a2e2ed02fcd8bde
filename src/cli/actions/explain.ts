import type { ExplanationView } from '../../api/schema/views.ts';
import { findingCodes, type FindingCode } from '../../core/explain/finding-codes.ts';
import { problemCodes } from '../../core/problem.ts';
import type { ProblemCode } from '../../core/problem.ts';
import { valueOf, withClient } from '../action.ts';
import type { Call } from '../command.ts';
import { errorGuidance } from '../docs/error-guidance.ts';
import { closest } from '../suggest.ts';
import { KennelError } from '../../errors/kennel-error.ts';
import { print } from '../output.ts';
import { renderExplanation } from '../render/explanation.ts';

/** Codes are answered without a cluster: they are asked about when it is not reachable. */
export async function explain(call: Call, topic: string): Promise<number> {
  const view =
    explainFinding(topic) ??
    (/^E_/i.test(topic) ? explainCode(topic) : await explainObject(call, topic));
  await print(call, view, (layout) => renderExplanation(view, layout));
  return 0;
}

async function explainObject(call: Call, topic: string): Promise<ExplanationView> {
  return withClient(call, async (client) => valueOf(await client.explain(topic)));
}

/** A code of a line in `kennel status`; null = it is none. */
function explainFinding(topic: string): ExplanationView | null {
  const code = topic.toUpperCase();
  if (!isFindingCode(code)) return null;
  return { topic: code, facts: [`${findingCodes[code]}.`], awaiting: [], try: ['kennel status'] };
}

function isFindingCode(text: string): text is FindingCode {
  return Object.hasOwn(findingCodes, text);
}

function explainCode(topic: string): ExplanationView {
  const code = topic.toUpperCase();
  if (!isProblemCode(code)) {
    const near = closest(code, Object.keys(problemCodes));
    throw new KennelError({
      code: 'E_NOT_FOUND',
      what: `there is no error code ${code}`,
      because: 'this version of Kennel never prints it',
      so: 'there is nothing to explain',
      try: near === null ? ['docs/errors.md lists all of them'] : [`kennel explain ${near}`],
    });
  }
  const guidance = errorGuidance[code];
  return {
    topic: code,
    facts: [`${problemCodes[code]}.`, ...guidance.facts],
    awaiting: [],
    try: [...guidance.try],
  };
}

function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(problemCodes, text);
}
