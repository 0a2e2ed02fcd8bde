export type LogFields = Readonly<Record<string, unknown>>;

/** Structured log. Keys are stable: `node`, `vm`, `epoch`, `fence`, `operation`, `err`. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(fields: LogFields): Log;
}
