import { DiskError } from '../src/env/disk.ts';
import type { Env } from '../src/env/env.ts';
import { KennelError } from '../src/errors/kennel-error.ts';
import type { AgentConfig } from './agent-config.ts';

/** Keeps a second agent off this node until the function that it gives is called. */
export async function lockNode(env: Env, config: AgentConfig): Promise<() => Promise<void>> {
  const path = config.lockPath ?? `${config.dataDirectory}/agent.lock`;
  try {
    await makeDataDirectory(env, config.dataDirectory);
    const lock = await env.disk.lock(path);
    if (lock.kind === 'locked') return () => lock.release();
    throw new KennelError({
      code: 'E_STORE_LOCKED',
      what: `node ${config.node} has an agent already`,
      because: `${lock.holder} holds ${path}`,
      so: 'this one does not start; the other one and the VMs go on',
      try: ['stop the other agent first'],
    });
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    throw new KennelError(
      {
        code: 'E_DATA_DIRECTORY',
        what: `${path} cannot be locked`,
        because: `${error.code}: ${error.message}`,
        so: 'the agent does not start, since a second one could run beside it; VMs go on',
        try: ['make the directory writable', 'set the lock path to a file on a tmpfs'],
      },
      { cause: error },
    );
  }
}

/** A directory that is there but cannot be made again (EROFS) is good enough to begin with. */
async function makeDataDirectory(env: Env, path: string): Promise<void> {
  try {
    await env.disk.makeDirectory(path, { mode: 0o700 });
    // Its name must last, or a power loss takes everything in it along.
    await env.disk.syncDirectory(path.slice(0, path.lastIndexOf('/')) || '/');
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    env.log.warn({ path, err: error.message }, 'data directory cannot be made');
  }
}
