import { realClock } from '../../src/env/real/clock.ts';
import { realTimers } from '../../src/env/real/timers.ts';
import { MemoryCluster } from '../../src/store/memory/memory-cluster.ts';
import { storeConformance } from './conformance.ts';

storeConformance('memory', async () => {
  await Promise.resolve();
  const historyLimit = 40;
  const env = { clock: realClock(), timers: realTimers() };
  const cluster = new MemoryCluster({ env, historyLimit });
  const clients = new Map<string, ReturnType<MemoryCluster['connect']>>();
  const connect = async (name: string) => {
    await Promise.resolve();
    const store = clients.get(name) ?? cluster.connect(name);
    clients.set(name, store);
    return store;
  };
  return {
    historyLimit,
    connect,
    restart: null,
    ambiguousNextWrite: async (client, effect) => {
      await Promise.resolve();
      cluster.makeNextWriteAmbiguous(client, effect);
      return { after: () => connect(client) };
    },
    expire: async (candidate) => {
      await Promise.resolve();
      cluster.expire(candidate);
    },
    stop: async () => {
      for (const store of clients.values()) await store.close();
    },
  };
});
