import { ok, problem, problemCodes, type Outcome, type ProblemCode } from '../core/problem.ts';
import type { Answer, AnswerForm } from './answer-schemas.ts';
import { notUnderstood } from './call-problems.ts';

export interface RawAnswer {
  readonly status: number;
  readonly text: string;
  /** Where the leader answers, when this manager is not it. */
  readonly location: string | null;
}

/** An answer's text in its expected form, or the problem that it carries instead. */
export async function parseAnswer<F extends AnswerForm>(
  who: string,
  raw: RawAnswer,
  form: F,
): Promise<Outcome<Answer<F>>> {
  const { answerSchemas } = await import('./answer-schemas.ts');
  const value = jsonOf(raw.text);
  if (raw.status !== 200) return problemOf(who, raw.status, value);
  const parsed = answerSchemas[form].safeParse(value);
  if (parsed.success) return ok(parsed.data as Answer<F>);
  const [first] = parsed.error.issues;
  const where = first?.path.join('.') ?? '';
  return problem(notUnderstood(who, `${where === '' ? 'it' : where}: ${first?.message ?? ''}`));
}

/** The problem in an answer that is no success. */
export async function problemOf(
  who: string,
  status: number,
  value: unknown,
): Promise<ReturnType<typeof problem>> {
  const { answerSchemas } = await import('./answer-schemas.ts');
  const parsed = answerSchemas.error.safeParse(value);
  if (!parsed.success) return problem(notUnderstood(who, `HTTP ${status} without a problem`));
  const { error } = parsed.data;
  if (isProblemCode(error.code)) return problem({ ...error, code: error.code });
  // A newer manager has codes that are not known here; its words still say it.
  return problem({ ...error, code: 'E_INTERNAL', what: `${error.what} [${error.code}]` });
}

const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(problemCodes, code);

export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
