import { destination, pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';
import type { Log, LogFields } from '../log.ts';
import { redactFields, redactText } from './redact.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Lines that wait for a stalled reader are dropped beyond this, so that logging never blocks. */
const maxWaitingBytes = 16 * 1024 * 1024;

/**
 * The log of this process: one JSON object per line on stderr, `level`, `time` and `msg` first of
 * all, then the stable keys of `Log`. Written in the background, flushed at exit.
 */
export function realLog(options: {
  readonly level: LogLevel;
  /** Instead of stderr. */
  readonly stream?: DestinationStream;
}): Log {
  const stream = options.stream ?? stderrStream();
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Errors are already plain fields by then.
      serializers: { err: (value: unknown) => value },
    },
    stream,
  );
  return wrap(logger);
}

function stderrStream(): DestinationStream {
  const stream = destination({ fd: 2, sync: false, minLength: 0, maxLength: maxWaitingBytes });
  // A reader of stderr that went away must not end the process that it watched.
  stream.on('error', () => undefined);
  return stream;
}

function wrap(logger: Logger): Log {
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: LogFields, message: string): void => {
      if (logger.isLevelEnabled(level)) logger[level](redactFields(fields), redactText(message));
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => wrap(logger.child(redactFields(fields))),
  };
}
