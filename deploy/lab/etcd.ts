import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from './lab.ts';
import { managerAddress } from './layout.ts';
import { waitUntil } from './wait-until.ts';

const clientPort = 2379;
const peerPort = 2380;

const nameOf = (manager: number): string => `etcd-${manager}`;

/** Client URLs of the members of a lab's etcd. */
export function etcdEndpoints(lab: Lab): readonly string[] {
  return numbers(lab).map((manager) => `http://${lab.managerAddress(manager)}:${clientPort}`);
}

/**
 * An etcd member in the place of each manager: what befalls the cable of a manager befalls the etcd
 * beside it. Says which were started.
 */
export async function ensureEtcd(lab: Lab, signal?: AbortSignal): Promise<readonly string[]> {
  const known = new Map(lab.status().processes.map((one) => [one.name, one.state]));
  const started: string[] = [];
  const members = numbers(lab);
  for (const manager of members) {
    const name = nameOf(manager);
    if ((known.get(name) ?? 'dead') !== 'dead') continue;
    const place = { kind: 'manager', manager } as const;
    await lab.spawnManager(argvOf(lab, manager, members), { name, place });
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

function argvOf(lab: Lab, manager: number, members: readonly number[]): readonly string[] {
  const { layout } = lab;
  const data = join(directoryOf(lab), String(manager));
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const url = (of: number, port: number): string => `http://${managerAddress(layout, of)}:${port}`;
  const all = members.map((of) => `${nameOf(of)}=${url(of, peerPort)}`);
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

function directoryOf(lab: Lab): string {
  return join(lab.layout.directory, 'etcd');
}

/** Of the members: one beside each manager there was when the etcd was made. */
function numbers(lab: Lab): readonly number[] {
  const directory = directoryOf(lab);
  const made = existsSync(directory) ? readdirSync(directory).map(Number) : [];
  if (made.length > 0) return made.sort((a, b) => a - b);
  return Array.from({ length: lab.managerCount }, (_, index) => index + 1);
}
