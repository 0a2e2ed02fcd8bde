import type { FastifyError } from 'fastify';
import type { Problem } from '../../core/problem.ts';
import { KennelError } from '../../errors/kennel-error.ts';

/** Carries what validation found through the HTTP library, which writes fields onto it. */
export class RequestInvalid extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.because);
    this.name = 'RequestInvalid';
    this.problem = problem;
  }
}

const wrongForm = (because: string): Problem => ({
  code: 'E_USAGE',
  what: 'the request is not of the documented form',
  because,
  so: 'nothing was changed',
  try: ['compare it with /openapi.json'],
});

/** What the HTTP library refuses by itself. Its own texts may quote the body, so they stay here. */
const libraryRefusals: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'the body is longer than allowed (2 MiB; 64 KiB to join)',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'the body must be JSON, with content-type application/json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'the body is empty',
  FST_ERR_CTP_INVALID_JSON_BODY: 'the body is not valid JSON',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'the body is not as long as it says',
};

/** The problem to answer for whatever a route or the library threw. Defects stay unexplained. */
export function problemOfError(error: unknown): Problem {
  if (error instanceof KennelError || error instanceof RequestInvalid) return error.problem;
  const { code, statusCode } = error as Partial<FastifyError>;
  const refusal = code === undefined ? undefined : libraryRefusals[code];
  if (refusal !== undefined) return wrongForm(refusal);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return wrongForm('the HTTP request is malformed');
  }
  return {
    code: 'E_INTERNAL',
    what: 'the manager could not answer',
    because: 'it met a defect in itself; its log has the details',
    so: 'it is not known whether something was changed',
    try: ['kennel status', 'report the defect with the log of the manager'],
  };
}

export const noSuchRoute = (method: string, path: string): Problem => ({
  code: 'E_NOT_FOUND',
  what: `there is no ${method} ${path}`,
  because: 'this interface has no such route',
  so: 'nothing was changed',
  try: ['see all routes in /openapi.json', 'compare the versions of client and manager'],
});
