import type { StartFunctions } from './start-functions.ts';

/** The services of this machine, each loaded when it is started: they bring the whole system. */
export const startFunctions: StartFunctions = {
  initCluster: async (options) => (await import('./start/init-cluster.ts')).initCluster(options),
  joinManager: async (options) => (await import('./start/join-manager.ts')).joinManager(options),
  runManager: async (options) => (await import('./start/run-manager.ts')).runManager(options),
  joinAgent: async (options) => (await import('./start/join-agent.ts')).joinAgent(options),
  runAgent: async (options) => (await import('./start/run-agent.ts')).runAgent(options),
};
