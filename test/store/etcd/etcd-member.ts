import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';

interface MemberOptions {
  readonly name: string;
  readonly directory: string;
  readonly clientPort: number;
  readonly peerPort: number;
  /** Where the other members reach it. */
  readonly advertisedPeerPort: number;
  /** `name=url,…` of all of them. */
  readonly initialCluster: string;
  /** Paths; clients must then show a certificate of that authority. Null: in the clear. */
  readonly tls: { readonly ca: string; readonly certificate: string; readonly key: string } | null;
}

/** One etcd process. It dies with this process, whatever happens to it. */
export class EtcdMember {
  readonly name: string;
  readonly clientPort: number;
  readonly #options: MemberOptions;
  #process: ChildProcess | null = null;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.name = options.name;
    this.clientPort = options.clientPort;
  }

  get isRunning(): boolean {
    return this.#process !== null;
  }

  /** Starts on the data that is there. Does not wait until it serves. */
  start(): void {
    const { name, directory, clientPort, peerPort, advertisedPeerPort, initialCluster, tls } =
      this.#options;
    const log = openSync(`${directory}/${name}.log`, 'a');
    const client = `${tls === null ? 'http' : 'https'}://127.0.0.1:${clientPort}`;
    const words = {
      '--name': name,
      '--data-dir': `${directory}/${name}`,
      '--listen-client-urls': client,
      '--advertise-client-urls': client,
      '--listen-peer-urls': `http://127.0.0.1:${peerPort}`,
      '--initial-advertise-peer-urls': `http://127.0.0.1:${advertisedPeerPort}`,
      '--initial-cluster': initialCluster,
      '--initial-cluster-state': 'new',
      '--logger': 'zap',
      '--log-level': 'error',
      ...(tls === null
        ? {}
        : {
            '--cert-file': tls.certificate,
            '--key-file': tls.key,
            '--trusted-ca-file': tls.ca,
            '--client-cert-auth': 'true',
          }),
    };
    const options = Object.entries(words).map(([option, value]) => `${option}=${value}`);
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'etcd', ...options], {
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child.once('exit', () => {
      if (this.#process === child) this.#process = null;
    });
    this.#process = child;
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  stop(): void {
    this.#process?.kill('SIGSTOP');
  }

  continue(): void {
    this.#process?.kill('SIGCONT');
  }
}
