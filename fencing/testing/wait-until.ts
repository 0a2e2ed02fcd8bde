import { setTimeout as delay } from 'node:timers/promises';

/** Waits for a condition; throws when it does not hold in time. */
export async function waitUntil(
  condition: () => boolean,
  withinMs: number,
  what: string,
): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`waited ${withinMs} ms in vain for ${what}`);
    await delay(10);
  }
}
