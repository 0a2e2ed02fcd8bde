import { realLog } from '../../env/real/log.ts';
import { realEnv } from '../../env/real/real-env.ts';
import { ok, type Outcome } from '../../core/problem.ts';
import { httpsKubeApi } from '../../operator/kube/https-api.ts';
import { loadKubeAccess } from '../../operator/kube/kube-access.ts';
import { LeaseElection } from '../../operator/kube/lease.ts';
import { managersOf } from '../../operator/managers.ts';
import { runOperator as run } from '../../operator/operator.ts';
import type { RunOperatorOptions } from '../start-functions.ts';
import { untilStopped } from './until-stopped.ts';

const leaseName = 'kennel-operator';

/** Runs the operator in the foreground until it is told to stop. VMs and failover go on without it. */
export async function runOperator(options: RunOperatorOptions): Promise<Outcome<null>> {
  const env = realEnv({ log: realLog({ level: 'info' }) });
  const access = await loadKubeAccess(options.kubeconfig);
  if (access.kind === 'problem') return access;
  const api = httpsKubeApi(env, access.value);
  const managers = managersOf(options.client, env);
  const ending = new AbortController();
  const { leaseNamespace, placeholders } = options;
  const work = (signal: AbortSignal): Promise<void> =>
    run({ env, api, managers, placeholders }, signal);
  env.log.info({ server: access.value.server.origin }, 'operator runs');
  const working =
    leaseNamespace === null
      ? work(ending.signal)
      : new LeaseElection({
          env,
          api,
          namespace: leaseNamespace,
          name: leaseName,
          identity: env.random.uuid(),
        }).run(work, ending.signal);
  await untilStopped(working, async () => {
    ending.abort();
    await working;
  });
  return ok(null);
}
