import type { StartFunctions } from './start-functions.ts';

/** The services of this machine, each loaded when it is started: they bring the whole system. */
export const startFunctions: StartFunctions = {
  initCluster: async (options) => (await import('./start/init-cluster.ts')).initCluster(options),
  joinManager: async (options) => (await import('./start/join-manager.ts')).joinManager(options),
  rebuildManager: async (options) =>
    (await import('./start/rebuild-manager.ts')).rebuildManager(options),
  runManager: async (options) => (await import('./start/run-manager.ts')).runManager(options),
  backupStore: async (options) => (await import('./start/backup-store.ts')).backupStore(options),
  checkBackup: async (options) => (await import('./start/backup-store.ts')).checkBackup(options),
  restoreStore: async (options) => (await import('./start/restore-store.ts')).restoreStore(options),
  migrateStore: async (options) => (await import('./start/migrate-store.ts')).migrateStore(options),
  joinAgent: async (options) => (await import('./start/join-agent.ts')).joinAgent(options),
  runAgent: async (options) => (await import('./start/run-agent.ts')).runAgent(options),
  runOperator: async (options) => (await import('./start/run-operator.ts')).runOperator(options),
};
