import type { Env } from '../../env/env.ts';
import type { KubeApi, KubeObject } from './kube-api.ts';
import { linkedAbort, pause } from './pause.ts';
import { listPath, objectPath, type Resource } from './resource.ts';

export const leases: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  isNamespaced: true,
};

/** After so long without a change of the lease, its holder is taken for gone. */
const durationMs = 15_000;
/** A holder that could not renew for so long stops: well before another takes over. */
const renewDeadlineMs = 10_000;
const periodMs = 2000;

interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}
type Lease = KubeObject & { readonly spec?: LeaseSpec };

export interface LeaseOptions {
  readonly env: Pick<Env, 'timers' | 'clock' | 'log'>;
  readonly api: KubeApi;
  readonly namespace: string;
  readonly name: string;
  /** Of this process and no other. */
  readonly identity: string;
}

/**
 * One process of several does the work, so that it is not done twice. It protects nothing: two may
 * hold a lease at once, a paused one and its successor, and every effect must stand that. Times
 * written by others are never read; a lease is old when *we* saw it unchanged for its duration.
 */
export class LeaseElection {
  readonly #options: LeaseOptions;
  #observed: { readonly version: string; readonly sinceMs: number } | null = null;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /**
   * Waits for the lease, works while it is renewed, and waits again when it was lost, until the signal
   * fires; then it is given back. `work` ends when its own signal fires.
   */
  async run(work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { env, identity } = this.#options;
    while (!signal.aborted) {
      if (!(await this.#tryToHold())) {
        await pause(env, periodMs, signal);
        continue;
      }
      env.log.info({ identity }, 'the lease of the operator is ours');
      const { controller, unlink } = linkedAbort(signal);
      const working = work(controller.signal);
      await this.#renew(controller.signal);
      controller.abort();
      unlink();
      await working;
      if (signal.aborted) await this.#giveBack();
      else env.log.warn({ identity }, 'the lease of the operator was lost');
    }
  }

  /** Returns when the lease is lost, could not be renewed in time, or the signal fires. */
  async #renew(signal: AbortSignal): Promise<void> {
    const { env } = this.#options;
    let renewedMs = env.clock.monotonicMs();
    while (!signal.aborted) {
      await pause(env, periodMs, signal);
      if (signal.aborted) return;
      // From before the request: another counts from when its effect could be seen.
      const askedMs = env.clock.monotonicMs();
      const deadlineMs = renewedMs + renewDeadlineMs;
      if (askedMs >= deadlineMs) return;
      const { controller, unlink } = linkedAbort(signal);
      const timer = env.timers.after(deadlineMs - askedMs, () => controller.abort());
      const renewed = await this.#tryToHold(controller.signal);
      timer.cancel();
      unlink();
      if (renewed) renewedMs = askedMs;
      else if (this.#isHeldByAnother) return;
    }
  }

  #isHeldByAnother = false;

  /** One look at the lease, and one write where it is ours, free or old. */
  async #tryToHold(signal?: AbortSignal): Promise<boolean> {
    const { api, env, namespace, name, identity } = this.#options;
    const path = objectPath(leases, { namespace, name });
    const within = signal === undefined ? {} : { signal };
    const answer = await api.call({ method: 'GET', path, ...within });
    this.#isHeldByAnother = false;
    if (answer.kind === 'failed') {
      if (answer.failure.kind !== 'notFound') return false;
      const created = await api.call({
        method: 'POST',
        path: listPath(leases, namespace),
        body: this.#body(null, 0),
        ...within,
      });
      return created.kind === 'answered';
    }
    const lease = answer.body as Lease;
    const { resourceVersion } = lease.metadata;
    const holder = lease.spec?.holderIdentity ?? '';
    const nowMs = env.clock.monotonicMs();
    if (this.#observed?.version !== resourceVersion) {
      this.#observed = { version: resourceVersion, sinceMs: nowMs };
    }
    const isOld = nowMs - this.#observed.sinceMs >= durationMs;
    if (holder !== '' && holder !== identity && !isOld) {
      this.#isHeldByAnother = true;
      return false;
    }
    const transitions = (lease.spec?.leaseTransitions ?? 0) + (holder === identity ? 0 : 1);
    const written = await api.call({
      method: 'PUT',
      path,
      body: this.#body(lease, transitions),
      ...within,
    });
    return written.kind === 'answered';
  }

  async #giveBack(): Promise<void> {
    const { api, namespace, name, identity } = this.#options;
    const path = objectPath(leases, { namespace, name });
    const answer = await api.call({ method: 'GET', path });
    if (answer.kind === 'failed') return;
    const lease = answer.body as Lease;
    if (lease.spec?.holderIdentity !== identity) return;
    const spec: LeaseSpec = { ...lease.spec, holderIdentity: '' };
    await api.call({ method: 'PUT', path, body: { ...lease, spec } });
  }

  #body(lease: Lease | null, transitions: number): unknown {
    const { env, namespace, name, identity } = this.#options;
    // Kubernetes wants microseconds; for people alone.
    const now = env.clock.wallIso().replace(/(\.\d+)?Z$/, (_, part: string | undefined) => {
      return `${(part ?? '.').padEnd(7, '0')}Z`;
    });
    const isOurs = lease?.spec?.holderIdentity === identity;
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: lease?.metadata ?? { name, namespace },
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: durationMs / 1000,
        acquireTime: isOurs ? (lease.spec?.acquireTime ?? now) : now,
        renewTime: now,
        leaseTransitions: transitions,
      },
    };
  }
}
