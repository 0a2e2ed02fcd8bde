import type { Completes, Option, Options, OptionValues } from './option.ts';
import type { Globals, World } from './world.ts';

export interface Argument {
  readonly summary: string;
  readonly completes: Completes;
  /** Only the last one may be left out. */
  readonly isOptional?: boolean;
  /** One or more of them; only the last one may be. */
  readonly isVariadic?: boolean;
}

/** Positional arguments by name, in the order they are typed. */
export type Arguments = Readonly<Record<string, Argument>>;

/** One run of one verb. */
export interface Call {
  readonly world: World;
  readonly globals: Globals;
}

export interface TypedCall<A extends Arguments, O extends Options> extends Call {
  readonly arguments: {
    readonly [K in keyof A]: A[K] extends { readonly isVariadic: true }
      ? readonly string[]
      : A[K] extends { readonly isOptional: true }
        ? string | null
        : string;
  };
  readonly options: OptionValues<O>;
}

/** One verb of the command line, as data: parser, help, docs and completion are made from it. */
export interface Command {
  readonly kind: 'command';
  readonly name: string;
  readonly summary: string;
  /** Paragraphs for the help and docs/cli.md. */
  readonly description: readonly string[];
  readonly arguments: Arguments;
  readonly options: Readonly<Record<string, Option<unknown>>>;
  readonly examples: readonly string[];
  /** Answers the exit code; throws `KennelError` for what is printed as a problem. */
  run(call: TypedCall<Arguments, Options>): Promise<number>;
}

export interface Noun {
  readonly kind: 'noun';
  readonly name: string;
  readonly summary: string;
  readonly verbs: readonly Command[];
}

/** A subtree that another part of the project builds with commander itself. */
export interface Mounted {
  readonly kind: 'mounted';
  readonly name: string;
  readonly summary: string;
  readonly description: readonly string[];
  /** The commander command of that name; throws `KennelError` where it is not installed. */
  mount(): Promise<import('commander').Command>;
}

export type Entry = Command | Noun | Mounted;

/** Declares a verb. Inside `run`, arguments and options have the types that were declared. */
export function command<const A extends Arguments, const O extends Options>(spec: {
  readonly name: string;
  readonly summary: string;
  readonly description?: readonly string[];
  readonly arguments: A;
  readonly options: O;
  readonly examples: readonly string[];
  run(call: TypedCall<A, O>): Promise<number>;
}): Command {
  return {
    kind: 'command',
    description: [],
    ...spec,
    // The parser fills exactly the declared names, see `parse-call.ts`.
    run: (call) => spec.run(call as unknown as TypedCall<A, O>),
  };
}
