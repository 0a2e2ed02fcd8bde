import type { ProfileName } from '../swarm/profiles.ts';

/** One change of one text of one source file. */
export interface Edit {
  /** Relative to the root of the project. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** A defect that the campaign must find. It exists only here, as text, and is planted at load time. */
export interface Mutant {
  readonly name: string;
  /** What it breaks, in one sentence. */
  readonly summary: string;
  readonly edits: readonly Edit[];
  /** Checkers that may be the first to see it. */
  readonly expected: readonly string[];
  readonly maxSeeds: number;
  /**
   * `raftGroup`: hunted in random groups of consensus cores alone, where a thousand times as many
   * elections fit into a second. Default: in the whole simulated cluster.
   */
  readonly ground?: 'raftGroup';
  /** Where it shows soonest; null = all profiles. */
  readonly profile: ProfileName | null;
}

/** The source with the mutant's edits of this file. Throws when one does not fit exactly once. */
export function mutated(mutant: Mutant, file: string, source: string): string {
  let text = source;
  for (const edit of mutant.edits.filter((each) => each.file === file)) {
    const parts = text.split(edit.find);
    if (parts.length !== 2) {
      throw new Error(
        `mutant ${mutant.name}: its text stands ${parts.length - 1} times in ${file}, not once`,
      );
    }
    text = parts.join(edit.replace);
  }
  return text;
}
