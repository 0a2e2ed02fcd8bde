import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, openSync, closeSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { realEnv } from '../../../src/env/real/real-env.ts';
import { realLog } from '../../../src/env/real/log.ts';
import { httpsKubeApi } from '../../../src/operator/kube/https-api.ts';
import { loadKubeAccess } from '../../../src/operator/kube/kube-access.ts';
import type { KubeApi } from '../../../src/operator/kube/kube-api.ts';
import { makeCertificates } from './certificates.ts';

const readyWithinMs = 100_000;
const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  for (const server of servers) server.close();
  return ports;
}

/** etcd and a real API server on loopback, with certificates that are thrown away. */
export class ControlPlane {
  readonly kubeconfig: string;
  readonly api: KubeApi;
  readonly #server: string;
  readonly #directory: string;
  readonly #ports: { readonly api: number; readonly etcd: number; readonly peer: number };
  readonly #children = new Map<string, ChildProcess>();

  private constructor(options: {
    readonly server: string;
    readonly directory: string;
    readonly ports: { readonly api: number; readonly etcd: number; readonly peer: number };
    readonly kubeconfig: string;
    readonly api: KubeApi;
  }) {
    this.#server = options.server;
    this.#directory = options.directory;
    this.#ports = options.ports;
    this.kubeconfig = options.kubeconfig;
    this.api = options.api;
  }

  static async start(server: string): Promise<ControlPlane> {
    const directory = mkdtempSync(join(tmpdir(), 'kennel-kube-'));
    const [api = 0, etcd = 0, peer = 0] = await freePorts(3);
    const kubeconfig = makeCertificates(directory, api);
    const access = await loadKubeAccess(kubeconfig);
    if (access.kind === 'problem') throw new Error(access.problem.because);
    const env = realEnv({ log: realLog({ level: 'silent' }) });
    const plane = new ControlPlane({
      server,
      directory,
      ports: { api, etcd, peer },
      kubeconfig,
      api: httpsKubeApi(env, access.value),
    });
    try {
      plane.#startEtcd();
      await plane.startServer();
    } catch (error) {
      await plane.stop();
      throw error;
    }
    return plane;
  }

  /** Starts the API server (again) on the same etcd, and waits until it serves. */
  async startServer(): Promise<void> {
    this.#run('server', this.#server, this.#serverFlags());
    await vi.waitUntil(
      async () => {
        const child = this.#children.get('server');
        if (child?.exitCode !== null) throw new Error(`no API server:\n${this.#logOf('server')}`);
        return (await this.api.call({ method: 'GET', path: crds })).kind === 'answered';
      },
      { timeout: readyWithinMs, interval: 200 },
    );
  }

  async killServer(): Promise<void> {
    await this.#end('server', 'SIGKILL');
  }

  /** Forgets every version but the newest: a watch from an older one meets 410. */
  compact(): void {
    const ctl = (...argv: readonly string[]): string =>
      execFileSync('etcdctl', [`--endpoints=127.0.0.1:${this.#ports.etcd}`, ...argv], {
        env: { PATH: process.env['PATH'], ETCDCTL_API: '3' },
        encoding: 'utf8',
      });
    const status = JSON.parse(ctl('get', '/', '--prefix', '--limit=1', '-w', 'json')) as {
      readonly header: { readonly revision: number };
    };
    ctl('compact', String(status.header.revision));
  }

  async stop(): Promise<void> {
    await this.#end('server', 'SIGTERM');
    await this.#end('etcd', 'SIGTERM');
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #startEtcd(): void {
    const { etcd, peer } = this.#ports;
    const peerUrl = `http://127.0.0.1:${peer}`;
    const url = `http://127.0.0.1:${etcd}`;
    const flags = [
      ['--data-dir', join(this.#directory, 'etcd'), '--log-level', 'error'],
      ['--listen-client-urls', url, '--advertise-client-urls', url],
      ['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
      ['--initial-cluster', `default=${peerUrl}`],
    ];
    this.#run('etcd', 'etcd', flags.flat());
  }

  /** Delegated authentication points at nothing; a certificate of system:masters passes all the same. */
  #serverFlags(): readonly string[] {
    const at = (name: string): string => join(this.#directory, name);
    const nowhere = at('nowhere');
    writeFileSync(
      nowhere,
      'apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]\ncontexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x\n',
    );
    return [
      `--etcd-servers=http://127.0.0.1:${this.#ports.etcd}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${this.#ports.api}`,
      `--tls-cert-file=${at('server.crt')}`,
      `--tls-private-key-file=${at('server.key')}`,
      `--client-ca-file=${at('ca.crt')}`,
      ...['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(
        (name) => `--${name}=${nowhere}`,
      ),
      '--authentication-skip-lookup',
      '--enable-priority-and-fairness=false',
      '--disable-admission-plugins=NamespaceLifecycle,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,ValidatingAdmissionPolicy,MutatingAdmissionPolicy',
    ];
  }

  #run(name: string, file: string, argv: readonly string[]): void {
    const log = openSync(join(this.#directory, `${name}.log`), 'a');
    this.#children.set(name, spawn(file, argv, { stdio: ['ignore', log, log] }));
    closeSync(log);
  }

  #logOf(name: string): string {
    const text = readFileSync(join(this.#directory, `${name}.log`), 'utf8');
    return text.split('\n').slice(-15).join('\n');
  }

  async #end(name: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.#children.get(name);
    this.#children.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    const impatient = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await gone;
    clearTimeout(impatient);
  }
}
