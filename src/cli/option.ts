import { parseDuration } from './duration.ts';
import { usageError } from './usage.ts';

/** What a shell may offer as the value of an option or argument. */
export type Completes =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'file' }
  | { readonly kind: 'node' }
  | { readonly kind: 'fenceDevice' }
  | { readonly kind: 'manager' }
  | { readonly kind: 'vm' }
  | { readonly kind: 'failover' }
  | { readonly kind: 'topic' }
  | { readonly kind: 'words'; readonly words: readonly string[] };

/** One option of a verb: the parser, the help, docs/cli.md and completion are made from it. */
export interface Option<T> {
  /** In commander's notation: `-f, --file <file>`; `<x>` takes a value, none makes a switch. */
  readonly flags: string;
  readonly summary: string;
  readonly isRequired: boolean;
  readonly isRepeatable: boolean;
  readonly isHidden: boolean;
  /** What holds when it is not given, as a person would type it. */
  readonly fallback: string | null;
  readonly completes: Completes;
  /** Turns what was typed (undefined when absent) into the value, or throws `E_USAGE`. */
  read(raw: unknown): T;
}

export type Options = Readonly<Record<string, Option<unknown>>>;
export type OptionValues<O extends Options> = {
  readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never;
};

interface Extras {
  readonly completes?: Completes;
}

const nothing: Completes = { kind: 'nothing' };

function base(flags: string, summary: string, extras: Extras = {}) {
  return {
    flags,
    summary,
    isRequired: false,
    isRepeatable: false,
    isHidden: false,
    fallback: null,
    completes: extras.completes ?? nothing,
  };
}

export function flag(flags: string, summary: string): Option<boolean> {
  return { ...base(flags, summary), read: (raw) => raw === true };
}

export function text(flags: string, summary: string, extras?: Extras): Option<string | null> {
  return { ...base(flags, summary, extras), read: (raw) => (raw === undefined ? null : str(raw)) };
}

export function requiredText(flags: string, summary: string, extras?: Extras): Option<string> {
  return { ...base(flags, summary, extras), isRequired: true, read: str };
}

export function textOr(
  flags: string,
  summary: string,
  fallback: string,
  extras?: Extras,
): Option<string> {
  return {
    ...base(flags, summary, extras),
    fallback,
    read: (raw) => (raw === undefined ? fallback : str(raw)),
  };
}

export function repeatedText(
  flags: string,
  summary: string,
  extras?: Extras,
): Option<readonly string[]> {
  return {
    ...base(flags, summary, extras),
    isRepeatable: true,
    read: (raw) => (Array.isArray(raw) ? raw.map(str) : []),
  };
}

export function oneOf<const Choice extends string>(
  flags: string,
  summary: string,
  choices: readonly Choice[],
  fallback: Choice,
): Option<Choice> {
  return {
    ...base(flags, summary, { completes: { kind: 'words', words: choices } }),
    fallback,
    read: (raw) => {
      const given = raw === undefined ? fallback : str(raw);
      const choice = choices.find((candidate) => candidate === given);
      if (choice !== undefined) return choice;
      throw badValue(flags, `"${given}" is not one of ${choices.join(', ')}`);
    },
  };
}

/** Any number of the choices; empty = it was not given. */
export function someOf<const Choice extends string>(
  flags: string,
  summary: string,
  choices: readonly Choice[],
): Option<readonly Choice[]> {
  return {
    ...base(flags, summary, { completes: { kind: 'words', words: choices } }),
    isRepeatable: true,
    read: (raw) =>
      (Array.isArray(raw) ? raw.map(str) : []).map((given) => {
        const choice = choices.find((candidate) => candidate === given);
        if (choice !== undefined) return choice;
        throw badValue(flags, `"${given}" is not one of ${choices.join(', ')}`);
      }),
  };
}

/** A duration with a unit, in ms. */
export function duration(flags: string, summary: string, fallback: string): Option<number> {
  return {
    ...base(flags, summary),
    fallback,
    read: (raw) => {
      const parsed = parseDuration(raw === undefined ? fallback : str(raw));
      if (parsed.kind === 'ok') return parsed.ms;
      throw badValue(flags, parsed.because);
    },
  };
}

/** A duration with a unit, in ms; null when it is not given. */
export function optionalDuration(flags: string, summary: string): Option<number | null> {
  return {
    ...base(flags, summary),
    read: (raw) => {
      if (raw === undefined) return null;
      const parsed = parseDuration(str(raw));
      if (parsed.kind === 'ok') return parsed.ms;
      throw badValue(flags, parsed.because);
    },
  };
}

interface IntegerRange {
  readonly min: number;
  readonly max: number;
}

function readInteger(flags: string, given: string, range: IntegerRange): number {
  const value = /^-?\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
  if (value >= range.min && value <= range.max) return value;
  throw badValue(flags, `"${given}" is not a whole number from ${range.min} to ${range.max}`);
}

export function integerOr(
  flags: string,
  summary: string,
  range: IntegerRange & { readonly fallback: number },
): Option<number> {
  return {
    ...base(flags, summary),
    fallback: String(range.fallback),
    read: (raw) => (raw === undefined ? range.fallback : readInteger(flags, str(raw), range)),
  };
}

export function integer(
  flags: string,
  summary: string,
  range: IntegerRange,
): Option<number | null> {
  return {
    ...base(flags, summary),
    read: (raw) => (raw === undefined ? null : readInteger(flags, str(raw), range)),
  };
}

/** An option that exists only to say why it does not. Its value is never printed. */
export function refused(
  flags: string,
  why: { readonly because: string; readonly try: readonly string[] },
): Option<null> {
  return {
    ...base(flags, why.because),
    isHidden: true,
    read: (raw) => {
      if (raw === undefined) return null;
      throw usageError({ what: `${longName(flags)} is not taken`, ...why });
    },
  };
}

/** `-f, --file <file>` → `--file`. */
export function longName(flags: string): string {
  return /--[a-z0-9-]+/.exec(flags)?.[0] ?? flags;
}

/** `-f, --file <file>` → `-f`; null when there is none. */
export function shortName(flags: string): string | null {
  return /(?:^|[\s,])(-[a-zA-Z])(?![\w-])/.exec(flags)?.[1] ?? null;
}

export function takesValue(flags: string): boolean {
  return flags.includes('<');
}

function badValue(flags: string, because: string): Error {
  return usageError({ what: `${longName(flags)} has no usable value`, because, try: [] });
}

function str(raw: unknown): string {
  if (typeof raw === 'string') return raw;
  throw new TypeError(`an option came as ${typeof raw}, its declaration says text`);
}
