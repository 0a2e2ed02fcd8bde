import type { Log } from '../../src/env/log.ts';
import type { LibvirtEnv } from '../../agent/libvirt/libvirt-env.ts';

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

/** The machine's own clock and timers, for tests against real sockets and processes. */
export function realTimeEnv(): LibvirtEnv {
  return {
    log: silentLog,
    random: { fraction: () => Math.random(), uuid: () => crypto.randomUUID() },
    clock: {
      monotonicMs: () => performance.now(),
      boottimeMs: () => performance.now(),
      wallIso: () => new Date().toISOString(),
    },
    timers: {
      after: (delayMs, action) => {
        const timer = setTimeout(action, delayMs);
        return { cancel: () => clearTimeout(timer) };
      },
    },
  };
}
