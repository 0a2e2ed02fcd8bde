import type { Outcome } from '../core/problem.ts';
import type { Env } from '../env/env.ts';
import type { Client } from '../client/client.ts';
import type { StartFunctions } from './start-functions.ts';
import type { Terminal } from './terminal.ts';

/** The part of the environment that a command line needs. */
export type CliEnv = Pick<Env, 'clock' | 'timers' | 'disk' | 'random'>;

/** Everything outside the command line's own code. Lazy, so that help and completion stay fast. */
export interface World {
  readonly terminal: Terminal;
  /** Environment variables. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  /** Relative paths on the command line count from here. */
  readonly workingDirectory: string;
  env(): Promise<CliEnv>;
  /** Opens the cluster that the client configuration names. */
  connect(configFile: string | null): Promise<Outcome<Client>>;
  start(): Promise<StartFunctions>;
}

export const outputFormats = ['table', 'json', 'yaml', 'wide'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** Options that every verb takes. */
export interface Globals {
  readonly configFile: string | null;
  readonly format: OutputFormat;
  readonly isColored: boolean;
}
