/** The wire of sessions: one HTTP/2 stream per connection, a JSON value per line, both ways. */
export const sessionPath = '/v1/session';
export const sessionContentType = 'application/x-ndjson';

export interface SessionLimits {
  /** Longest line, sent or received. */
  readonly maxLineBytes: number;
  /** What may wait for a slow peer before the channel is closed. */
  readonly maxQueuedBytes: number;
  /** How long a closed channel may take to hand over what was sent last. */
  readonly lingerMs: number;
  /** A connection that has not opened its session by then is dropped. */
  readonly openMs: number;
}

export const sessionLimits: SessionLimits = {
  maxLineBytes: 8 * 1024 * 1024,
  maxQueuedBytes: 16 * 1024 * 1024,
  lingerMs: 1000,
  openMs: 10_000,
};

/** Bytes in flight that a receiver allows. The default of 64 KiB is slow on long links. */
export const windowBytes = 1024 * 1024;

/** TCP's own probes find dead peers in minutes; heartbeats do so much earlier. */
export const keepAliveDelayMs = 10_000;
