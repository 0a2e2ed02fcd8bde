import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from './lab.ts';
import { managerAddress } from './layout.ts';
import { waitUntil } from './wait-until.ts';

const clientPort = 2379;
const peerPort = 2380;

const nameOf = (manager: number): string => `etcd-${manager}`;

/** Client URLs of the etcd beside each manager of a lab. */
export function etcdEndpoints(lab: Lab): readonly string[] {
  return numbers(lab).map((manager) => `http://${lab.managerAddress(manager)}:${clientPort}`);
}

/**
 * One etcd member in the place of each manager: what befalls the cable of a manager befalls the etcd
 * beside it. Says which were started.
 */
export async function ensureEtcd(lab: Lab, signal?: AbortSignal): Promise<readonly string[]> {
  const known = new Map(lab.status().processes.map((one) => [one.name, one.state]));
  const started: string[] = [];
  for (const manager of numbers(lab)) {
    const name = nameOf(manager);
    if ((known.get(name) ?? 'dead') !== 'dead') continue;
    const place = { kind: 'manager', manager } as const;
    await lab.spawnManager(argvOf(lab, manager), { name, place });
    started.push(name);
  }
  if (started.length === 0) return started;
  await waitUntil('etcd has a leader', () => answers(lab), {
    timeoutMs: 60_000,
    everyMs: 200,
    signal,
  });
  return started;
}

function argvOf(lab: Lab, manager: number): readonly string[] {
  const { layout } = lab;
  const data = join(layout.directory, 'etcd', String(manager));
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const url = (of: number, port: number): string => `http://${managerAddress(layout, of)}:${port}`;
  const all = numbers(lab).map((of) => `${nameOf(of)}=${url(of, peerPort)}`);
  return [
    'etcd',
    `--name=${nameOf(manager)}`,
    `--data-dir=${data}`,
    `--listen-client-urls=${url(manager, clientPort)}`,
    `--advertise-client-urls=${url(manager, clientPort)}`,
    `--listen-peer-urls=${url(manager, peerPort)}`,
    `--initial-advertise-peer-urls=${url(manager, peerPort)}`,
    `--initial-cluster=${all.join(',')}`,
    '--initial-cluster-state=new',
    '--logger=zap',
  ];
}

async function answers(lab: Lab): Promise<boolean> {
  const health = `http://${lab.managerAddress(1)}:${clientPort}/health`;
  const asked = await lab.execInFabric(['curl', '--silent', '--max-time', '2', health]);
  return asked.code === 0 && asked.stdout.includes('"true"');
}

function numbers(lab: Lab): readonly number[] {
  return Array.from({ length: lab.managerCount }, (_, index) => index + 1);
}
