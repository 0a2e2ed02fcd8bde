const runNextTicks: unknown = Reflect.get(process, '_tickCallback');

/**
 * Runs every microtask and every `process.nextTick` callback that waits, and those that they lead
 * to, however long the chain of awaits; then Node tells of rejections that nobody handles. It is
 * what Node does between two callbacks of its event loop, reached by the name that Node keeps for
 * it. Must not be called from within a microtask: nothing would run.
 */
export function drainMicrotasks(): void {
  if (typeof runNextTicks !== 'function') throw new Error('this Node has no process._tickCallback');
  runNextTicks.call(process);
}
