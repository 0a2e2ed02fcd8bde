import { homedir } from 'node:os';
import { processTerminal } from './process-terminal.ts';
import type { CliEnv, World } from './world.ts';

/** The world of this process. Each part is loaded when it is first asked for. */
export function processWorld(): World {
  const world: World = {
    terminal: processTerminal(),
    variables: process.env,
    homeDirectory: homedir(),
    workingDirectory: process.cwd(),
    env: loadEnv,
    connect: async (configFile) => {
      const { connectCluster } = await import('./connect.ts');
      return connectCluster(world, configFile);
    },
    start: async () => {
      const { startFunctions } = await import('./load-start.ts');
      return startFunctions;
    },
  };
  return world;
}

async function loadEnv(): Promise<CliEnv> {
  const [{ realClock }, { realTimers }, { realDisk }, { realRandom }] = await Promise.all([
    import('../env/real/clock.ts'),
    import('../env/real/timers.ts'),
    import('../env/real/disk.ts'),
    import('../env/real/random.ts'),
  ]);
  return { clock: realClock(), timers: realTimers(), disk: realDisk(), random: realRandom() };
}
