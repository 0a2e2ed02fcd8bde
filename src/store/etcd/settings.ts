/** One client address of an etcd member. */
export interface EtcdEndpoint {
  readonly host: string;
  readonly port: number;
}

export interface EtcdTls {
  /** PEM. Null: the certificate authorities that the system trusts. */
  readonly ca: string | null;
  /** The client's certificate and key, PEM; null where the servers ask for none. */
  readonly client: { readonly certificate: string; readonly key: string } | null;
  /** The name that the servers' certificates carry, when endpoints are written as addresses. */
  readonly serverName: string | null;
}

export interface EtcdSettings {
  /** All members of the cluster, at least one. */
  readonly endpoints: readonly EtcdEndpoint[];
  /** Null: in the clear. */
  readonly tls: EtcdTls | null;
  readonly user: { readonly name: string; readonly password: string } | null;
}

export interface EtcdTimes {
  /** A request has its answer after this long, or it failed, in ms. */
  readonly deadlineMs: number;
  /** Leadership ends so long after its last renewal, in whole seconds; etcd takes no less than 2. */
  readonly leaseTtlS: number;
  /** A watch is asked for a sign of life this often, and has this long to give it, in ms. */
  readonly watchProbeMs: number;
  /** Members are looked at this often, in ms. */
  readonly statusMs: number;
}

/**
 * A lease of 4 s outlasts the election that follows the loss of etcd's own leader (1 to 2 s with
 * etcd's default timings), and keeps a dead manager's seat no longer than that.
 */
export const usualTimes: EtcdTimes = {
  deadlineMs: 2_000,
  leaseTtlS: 4,
  watchProbeMs: 1_000,
  statusMs: 2_000,
};

export function endpointName({ host, port }: EtcdEndpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
