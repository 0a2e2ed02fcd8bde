import type { Caller } from '../../api/cluster-service.ts';
import type { AddAlert, AlertTestView, AlertView } from '../../api/schema/alerts.ts';
import type { Finding } from '../../api/schema/views.ts';
import { formatHostPort } from '../../api/schema/host-port.ts';
import type { AlertKind, AlertRecord } from '../../core/model/alert.ts';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import { addAlert, removeAlert, unknownAlert } from '../../core/request/alert.ts';
import type { Env } from '../../env/env.ts';
import type { AlertSecrets } from '../alerts/alert-secrets.ts';
import { alertSecretKey } from '../alerts/alert-secrets.ts';
import type { AlertSenders } from '../alerts/alert-senders.ts';
import { alertPrograms, deliver } from '../alerts/deliver.ts';
import type { Leader } from '../leader.ts';
import type { Mirror } from '../mirror.ts';
import { asked } from './asked.ts';

/** Failures in a row that make a finding. */
const failingAfter = 3;

interface AlertsOptions {
  readonly env: Env;
  readonly clusterId: string;
  readonly secrets: AlertSecrets;
  /** Of the present leadership; null while this manager does not lead. */
  senders(): AlertSenders | null;
}

/** What people ask about alerts. */
export class AlertsOf {
  readonly #options: AlertsOptions;

  constructor(options: AlertsOptions) {
    this.#options = options;
  }

  list(mirror: Mirror): readonly AlertView[] {
    return [...mirror.alerts.values()].map((alert) => this.#view(alert, mirror));
  }

  async add(
    leader: Leader,
    name: string,
    body: AddAlert,
    caller: Caller,
  ): Promise<Outcome<AlertView>> {
    const { target } = body;
    const alert: AlertRecord = {
      kind: 'alert',
      id: name,
      target:
        target.kind === 'exec'
          ? target
          : { kind: 'webhook', host: target.host, port: target.port, pin: target.pin },
      kinds: body.kinds as AlertKind[],
      // It is told of what happens from here on.
      cursor: leader.mirror.nextEvent - 1,
      lost: 0,
    };
    const { secrets } = this.#options;
    const writes =
      target.kind === 'webhook'
        ? { puts: [secrets.put(name, { path: target.path, token: target.token })] }
        : { deletes: [alertSecretKey(name)] };
    const added = await leader.mutate((draft) => addAlert(draft, alert), {
      ...asked(caller),
      extra: () => writes,
    });
    if (added.kind === 'problem') return added;
    this.#options.senders()?.notify();
    return ok(this.#view(added.value, leader.mirror));
  }

  async remove(leader: Leader, name: string, caller: Caller): Promise<Outcome<AlertView>> {
    const removed = await leader.mutate((draft) => removeAlert(draft, name), {
      ...asked(caller),
      extra: () => ({ deletes: [alertSecretKey(name)] }),
    });
    if (removed.kind === 'problem') return removed;
    this.#options.senders()?.notify();
    return ok(this.#view(removed.value, leader.mirror));
  }

  async test(leader: Leader, name: string, caller: Caller): Promise<Outcome<AlertTestView>> {
    const { env, clusterId, secrets } = this.#options;
    const alert = leader.mirror.alerts.get(name);
    if (alert === undefined) return problem(unknownAlert(name));
    if (caller.dryRun) return ok({ name, told: false, because: 'nothing was sent' });
    const result = await deliver(env, alert, {
      message: {
        format: 'kennel-alert/1',
        id: `${clusterId}/test-${env.random.uuid()}`,
        cluster: clusterId,
        alert: 'test',
        code: 'ALERT_TEST',
        severity: 'info',
        node: null,
        vm: null,
        text: `a test, asked for by ${caller.identity.name}`,
        at: env.clock.wallIso(),
      },
      secret: alert.target.kind === 'webhook' ? await secrets.read(name) : null,
      signal: new AbortController().signal,
    });
    return ok({
      name,
      told: result.kind === 'told',
      because: result.kind === 'told' ? null : result.because,
    });
  }

  /** Who cannot be told. */
  findings(mirror: Mirror): readonly Finding[] {
    return this.list(mirror).flatMap((alert) => {
      if (alert.failures < failingAfter) return [];
      return {
        code: 'ALERT_FAILING',
        severity: 'warning' as const,
        subject: alert.name,
        text: `${alert.behind} events wait for it: ${alert.lastError ?? ''}`,
        try: [`kennel alert test ${alert.name}`, 'kennel alert ls'],
      };
    });
  }

  #view(alert: AlertRecord, mirror: Mirror): AlertView {
    const status = this.#options.senders()?.status(alert.id) ?? null;
    return {
      name: alert.id,
      target:
        alert.target.kind === 'exec'
          ? `${alertPrograms}/${alert.target.program}`
          : `https://${formatHostPort(alert.target.host, alert.target.port)}/…`,
      kinds: [...alert.kinds],
      behind: Math.max(0, mirror.nextEvent - 1 - alert.cursor),
      lost: alert.lost,
      failures: status?.failures ?? 0,
      lastError: status?.lastError ?? null,
    };
  }
}
