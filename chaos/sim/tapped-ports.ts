import type { Processes } from '../../src/env/processes.ts';
import type { Store } from '../../src/store/store.ts';
import type { SimTaps } from './taps.ts';

/** A manager's store, with every transaction's end told to the oracles. */
export function tappedStore(store: Store, taps: SimTaps, manager: string): Store {
  return {
    get: (key) => store.get(key),
    list: (prefix) => store.list(prefix),
    txn: async (transaction) => {
      const outcome = await store.txn(transaction);
      taps.wrote?.(manager, transaction, outcome);
      return outcome;
    },
    watch: (prefix, from, listener) => store.watch(prefix, from, listener),
    campaign: (options) => store.campaign(options),
    status: () => store.status(),
    close: () => store.close(),
  };
}

/** A manager's ipmitool, with its starts and ends told to the oracles. */
export function tappedTool(tool: Processes, taps: SimTaps, manager: string): Processes {
  return {
    run: async (request) => {
      const host = request.arguments[request.arguments.indexOf('-H') + 1] ?? '';
      const verb = request.arguments.at(-1) ?? '';
      const action = verb === 'dump' ? 'guid' : verb;
      taps.toolStarted?.(manager, host, action);
      const result = await tool.run(request);
      taps.toolEnded?.(manager, host, action, result.kind === 'exited' ? result.code : null);
      return result;
    },
  };
}
