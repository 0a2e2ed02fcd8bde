import type { Client } from '../client/client.ts';
import type { Outcome } from '../core/problem.ts';
import type { DetectionProfile } from '../core/model/settings.ts';

/** `kennel init`: makes a cluster and its first manager in a directory. */
export interface InitClusterOptions {
  readonly directory: string;
  readonly clusterName: string;
  /** Name or address under which agents and people reach this manager. */
  readonly address: string;
  readonly apiPort: number;
  readonly sessionPort: number;
  readonly profile: DetectionProfile;
  readonly store: StoreChoice;
}

/**
 * Where a new cluster keeps its state: in its managers, which agree on it, or in an etcd that is there
 * already.
 */
export type StoreChoice =
  | { readonly kind: 'raft' }
  | ({ readonly kind: 'etcd' } & EtcdStoreOptions);

/** How a manager reaches the etcd that keeps the cluster's state. Paths are absolute. */
export interface EtcdStoreOptions {
  /** `http://HOST:PORT` or `https://HOST:PORT`, of all members. */
  readonly endpoints: readonly string[];
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly user?: string;
  readonly passwordFile?: string;
}

export interface InitClusterResult {
  readonly clusterId: string;
  /** Path of the client configuration that was written for the administrator. */
  readonly adminConfig: string;
}

/** `kennel manager join`: makes this machine a manager of a cluster that is there. */
export interface JoinManagerOptions {
  readonly directory: string;
  readonly token: string;
  /** API address of a manager. */
  readonly manager: { readonly host: string; readonly port: number };
  readonly name: string;
  /** Name or address under which agents, managers and people reach this one. */
  readonly address: string;
  readonly apiPort: number;
  readonly sessionPort: number;
}

export interface JoinManagerResult {
  readonly clusterId: string;
  readonly number: number;
  /** API addresses of all managers, `host:port`. */
  readonly managers: readonly string[];
}

/** `kennel manager rebuild`: of a manager that is stopped. */
export interface RebuildManagerOptions {
  readonly directory: string;
  /** API address of another manager. */
  readonly manager: { readonly host: string; readonly port: number };
}

export interface RebuildManagerResult {
  readonly name: string;
  /** Its number until now, and from now on. */
  readonly was: number;
  readonly number: number;
  /** Where the damaged data lies now; null = there was none. */
  readonly setAside: string | null;
}

export interface RunManagerOptions {
  readonly directory: string;
}

/** `kennel backup --directory`: of a manager that is stopped. */
export interface BackupStoreOptions {
  readonly directory: string;
}

/** What a backup says of itself. */
export interface BackupSummary {
  readonly clusterId: string;
  readonly clusterName: string;
  readonly madeAt: string;
  readonly driver: string;
  readonly epoch: number;
  readonly keys: number;
  readonly contentHash: string;
}

/** `kennel restore`. */
export interface RestoreStoreOptions {
  readonly directory: string;
  /** The name of the file, for people, and what is in it. */
  readonly file: string;
  readonly text: string;
}

export interface RestoreStoreResult {
  readonly clusterId: string;
  readonly madeAt: string;
  readonly driver: string;
  readonly keys: number;
  /** That of the backup. */
  readonly contentHash: string;
  /** All epochs from now on are higher. */
  readonly epoch: number;
  /** Nodes that the backup knows of. */
  readonly nodes: readonly string[];
}

/** `kennel store migrate`. */
export interface MigrateStoreOptions {
  readonly directory: string;
  readonly from: StoreChoice['kind'];
  readonly to: StoreChoice;
}

/** One side of a migration. */
export interface MigratedSide {
  readonly driver: string;
  readonly keys: number;
  readonly contentHash: string;
}

export interface MigrateStoreResult {
  readonly from: MigratedSide;
  readonly to: MigratedSide;
  /** All epochs from now on are higher. */
  readonly epoch: number;
  /** Where the old store still is; null for etcd, whose keys stay. */
  readonly old: string | null;
}

/** `kennel agent join`: enrols this machine and keeps its certificate in a directory. */
export interface JoinAgentOptions {
  readonly token: string;
  /** API address of a manager. */
  readonly manager: { readonly host: string; readonly port: number };
  readonly node: string;
  /** Management address of this node. */
  readonly address: string;
  readonly directory: string;
  /** Null = the default of the agent. */
  readonly libvirtSocket: string | null;
  readonly watchdogSocket: string | null;
  /** How libvirt here reaches the libvirt of other nodes. */
  readonly migrateOver: 'tls' | 'tcp';
  readonly bootIdFile: string | null;
  readonly machineIdFile: string | null;
}

export interface JoinAgentResult {
  readonly clusterId: string;
  /** Session addresses of the managers, `host:port`. */
  readonly managers: readonly string[];
}

export interface RunAgentOptions {
  readonly directory: string;
}

/** `kennel operator run`. */
export interface RunOperatorOptions {
  readonly client: Client;
  /** Null = the API server of the pod that it runs in. */
  readonly kubeconfig: string | null;
  /** Namespace of the lease; null = there is no other operator. */
  readonly leaseNamespace: string | null;
  /** Pods that stand for VMs; null = there are none. */
  readonly placeholders: { readonly namespace: string; readonly image: string } | null;
}

/**
 * What `src/cli/start` gives the command line. The run functions end when the service has been
 * stopped in order (SIGTERM, SIGINT), and answer a problem when it could not start or go on.
 */
export interface StartFunctions {
  initCluster(options: InitClusterOptions): Promise<Outcome<InitClusterResult>>;
  joinManager(options: JoinManagerOptions): Promise<Outcome<JoinManagerResult>>;
  rebuildManager(options: RebuildManagerOptions): Promise<Outcome<RebuildManagerResult>>;
  runManager(options: RunManagerOptions): Promise<Outcome<null>>;
  /** The backup as text. */
  backupStore(options: BackupStoreOptions): Promise<Outcome<string>>;
  /** E_BACKUP when the text is no whole backup. */
  checkBackup(options: { readonly text: string }): Promise<Outcome<BackupSummary>>;
  restoreStore(options: RestoreStoreOptions): Promise<Outcome<RestoreStoreResult>>;
  migrateStore(options: MigrateStoreOptions): Promise<Outcome<MigrateStoreResult>>;
  joinAgent(options: JoinAgentOptions): Promise<Outcome<JoinAgentResult>>;
  runAgent(options: RunAgentOptions): Promise<Outcome<null>>;
  runOperator(options: RunOperatorOptions): Promise<Outcome<null>>;
}
