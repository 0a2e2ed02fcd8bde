import { ok, problem, type Outcome } from '../../core/problem.ts';
import type { Log } from '../../env/log.ts';
import { startWitness } from '../../manager/witness.ts';
import { openMember } from './open-manager.ts';
import { untilStopped } from './until-stopped.ts';

/** As `runManager`, for a manager that only votes. */
export async function runWitness(directory: string, log: Log): Promise<Outcome<null>> {
  const opened = await openMember(directory, log);
  if (opened.kind === 'problem') return opened;
  const { env, config, store, membership, sessions } = opened.value;
  const removed = new AbortController();
  const witness = await startWitness({
    env,
    store,
    membership,
    name: config.name,
    sessions,
    onRemoved: () => removed.abort(),
  });
  log.info({ manager: config.name, sessions }, 'witness runs');
  await untilStopped(membership.left(), async () => {
    await witness.stop();
    await store.close();
  });
  return removed.signal.aborted ? wasRemoved(config.name, directory) : ok(null);
}

/** What ends a manager that the others have let go of. */
export function wasRemoved(name: string, directory: string): Outcome<never> {
  return problem({
    code: 'E_CONFLICT',
    what: `${name} is no manager of this cluster any more`,
    because: 'it was removed, or replaced by another one',
    so: 'it has stopped; the cluster goes on without it',
    try: [
      'systemctl disable kennel-manager, on this machine',
      `to bring it back: move ${directory} away, then kennel manager join`,
    ],
  });
}
