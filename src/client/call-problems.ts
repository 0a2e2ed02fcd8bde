import type { Problem } from '../core/problem.ts';

/** Sentences for what the operating system says when a connection fails. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  EHOSTUNREACH: 'there is no way to that address',
  ENETUNREACH: 'there is no way to that network',
  ETIMEDOUT: 'the connection was not answered',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name service does not answer',
  ENOENT: 'there is no such socket file',
  EACCES: 'this user may not open the socket file',
};

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  const reason = reasons[code];
  return reason === undefined ? error.message : `${reason} (${code})`;
}

/** Nothing reached the manager, or only a question whose answer got lost. */
export const unavailable = (who: string, because: string): Problem => ({
  code: 'E_UNAVAILABLE',
  what: `${who} does not answer`,
  because,
  so: 'nothing was changed',
  try: [
    'see whether it runs: systemctl status kennel-manager',
    'use another manager of the cluster',
  ],
});

/** A change was sent, and what became of it is not known. */
export const ambiguous = (who: string, because: string): Problem => ({
  code: 'E_AMBIGUOUS',
  what: `${who} did not say what became of the change`,
  because: `${because}, after the request was sent`,
  so: 'it may have been carried out, or not',
  try: ['kennel status', 'repeat the command only when it was not carried out'],
});

export const notUnderstood = (who: string, because: string): Problem => ({
  code: 'E_INTERNAL',
  what: `the answer of ${who} is not understood`,
  because,
  so: 'the request may have been carried out all the same',
  try: ['compare the versions: kennel --version, here and on the manager'],
});
