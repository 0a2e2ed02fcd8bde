import { vi } from 'vitest';
import { storeConformance } from './conformance.ts';
import { RaftCluster } from './raft-cluster.ts';

for (const members of [1, 3, 5]) {
  storeConformance(`raft with ${members} members`, async () => {
    const cluster = await RaftCluster.of(members);
    const nameOf = (client: string): string => {
      if (members === 1) return 'member-1';
      return client === 'one' ? 'member-1' : 'member-2';
    };
    const rest = (name: string): readonly string[] => {
      return cluster.names().filter((other) => other !== name);
    };
    return {
      historyLimit: 40,
      connect: async (client) => cluster.store(nameOf(client)),
      restart: async () => {
        for (const name of cluster.names()) cluster.kill(name);
        for (const name of cluster.names()) await cluster.open(name);
      },
      ambiguousNextWrite: async (client, effect) => {
        const name = nameOf(client);
        if (members === 1) {
          // A failed sync leaves the write in the page cache; a failed write leaves nothing.
          const operation = effect === 'evaluated' ? 'datasync' : 'write';
          cluster.disk(name).inject({ operation, path: 'log-', code: 'EIO' });
          return {
            after: async () => {
              cluster.kill(name, 'crash');
              return cluster.open(name);
            },
          };
        }
        cluster.network.deafen(name);
        if (effect === 'lost') cluster.network.mute(name);
        return {
          after: async () => {
            const others = rest(name);
            const leader = await cluster.leader(others);
            await vi.waitFor(() => cluster.store(leader).get('k'), { timeout: 5_000 });
            cluster.network.heal(name);
            return cluster.store(leader);
          },
        };
      },
      expire:
        members === 1
          ? null
          : async () => {
              const name = 'member-1';
              cluster.network.deafen(name);
              cluster.network.mute(name);
              await cluster.leader(rest(name));
              cluster.network.heal(name);
              // It follows the new leader from the first read on that a quorum answers.
              await vi.waitFor(() => cluster.store(name).get('k'), { timeout: 5_000 });
            },
      stop: () => cluster.stop(),
    };
  });
}
