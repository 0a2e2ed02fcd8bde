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
  /** Bytes as they are, to standard output. */
  writeBytes(bytes: Uint8Array): void;
  /**
   * Every key as it is pressed, none of them with a meaning to the terminal, until the returned function is
   * called. Only while `isInteractive`.
   */
  readKeys(onBytes: (bytes: Uint8Array) => void): () => void;
  /** Standard input up to its end, at most `maxBytes`; more is an error of usage. */
  readInput(maxBytes: number): Promise<string>;
}
