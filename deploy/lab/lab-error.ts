/** An expected failure of a lab command, in the words every Kennel error uses. */
export class LabError extends Error {
  readonly code: string;
  /** What was observed, for example the stderr of the tool that refused. */
  readonly because: string;
  /** What the reader can do about it. */
  readonly advice: string;

  constructor(code: string, what: string, because: string, advice: string) {
    super(`${what}: ${because}`);
    this.name = 'LabError';
    this.code = code;
    this.because = because;
    this.advice = advice;
  }
}
