/** The person or program in front of the command line. A fake of equal rank is in the tests. */
export interface Terminal {
  /** Both ends are a terminal, so a question can be asked. */
  readonly isInteractive: boolean;
  /** Output goes to a terminal that wants colour. */
  readonly isColored: boolean;
  /** Width and height of the terminal; null when output is piped. */
  readonly size: { readonly columns: number; readonly rows: number } | null;
  write(text: string): void;
  writeError(text: string): void;
  /** Prints `question` and reads one line. Only while `isInteractive`. */
  ask(question: string): Promise<string>;
  /** Standard input up to its end, at most `maxBytes`; more is an error of usage. */
  readInput(maxBytes: number): Promise<string>;
}
