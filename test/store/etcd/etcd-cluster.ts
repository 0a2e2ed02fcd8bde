import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '../../../src/env/real/clock.ts';
import { realRandom } from '../../../src/env/real/random.ts';
import { realTimers } from '../../../src/env/real/timers.ts';
import { Authenticator } from '../../../src/store/etcd/rpc/authenticator.ts';
import { Channel } from '../../../src/store/etcd/rpc/channel.ts';
import { credentialsOf } from '../../../src/store/etcd/rpc/connection.ts';
import { methods } from '../../../src/store/etcd/rpc/methods.ts';
import type { EtcdEndpoint, EtcdTls } from '../../../src/store/etcd/settings.ts';
import { EtcdMember } from './etcd-member.ts';
import { PeerLink } from './peer-link.ts';

/** Etcd processes on loopback ports in a temporary directory, with a proxy before each peer port. */
export class EtcdCluster {
  readonly members: readonly EtcdMember[];
  readonly #directory: string;
  readonly #admins: readonly Channel[];
  #links: readonly PeerLink[] = [];
  /** Member ids by place, in hexadecimal as etcd writes them. */
  #ids: readonly string[] = [];
  readonly #cut = new Set<number>();
  /** The members die with this process by themselves. */
  readonly #onExit = (): void => rmSync(this.#directory, { recursive: true, force: true });

  private constructor(directory: string, members: readonly EtcdMember[], tls: EtcdTls | null) {
    this.#directory = directory;
    process.once('exit', this.#onExit);
    this.members = members;
    this.#admins = this.endpoints.map((endpoint) => adminChannel([endpoint], tls));
  }

  /**
   * Resolves when a leader is elected and every member knows it. With `tls` the members show that
   * client certificate as their own, and want to see one. `bench`: members reach each other without
   * a proxy between them, so they cannot be cut off; their data goes below that directory.
   */
  static async start(
    count: 1 | 3,
    tls: EtcdTls | null = null,
    bench: string | null = null,
  ): Promise<EtcdCluster> {
    const directory = await mkdtemp(join(bench ?? tmpdir(), 'kennel-etcd-'));
    const ports = await freePorts(count * 3);
    const names = Array.from({ length: count }, (_, index) => `m${index + 1}`);
    const peer = (index: number): number => ports[index * 3 + 2] ?? 0;
    const files = tls === null ? null : await writeTls(directory, tls);
    const advertised = (index: number): number =>
      bench === null ? peer(index) : (ports[index * 3 + 1] ?? 0);
    const initialCluster = names
      .map((name, index) => `${name}=http://127.0.0.1:${advertised(index)}`)
      .join(',');
    const members = names.map(
      (name, index) =>
        new EtcdMember({
          name,
          directory,
          initialCluster,
          tls: files,
          clientPort: ports[index * 3] ?? 0,
          peerPort: ports[index * 3 + 1] ?? 0,
          advertisedPeerPort: advertised(index),
        }),
    );
    const cluster = new EtcdCluster(directory, members, tls);
    try {
      cluster.#links = await Promise.all(
        (bench === null ? names : []).map((_, index) =>
          PeerLink.listen(peer(index), ports[index * 3 + 1] ?? 0, (from) =>
            cluster.#mayPass(from, index),
          ),
        ),
      );
      for (const member of members) member.start();
      await cluster.untilServing();
      cluster.#ids = await Promise.all(
        members.map(async (_, index) => {
          const { header } = await cluster.status(index);
          return (header?.memberId ?? 0n).toString(16);
        }),
      );
      return cluster;
    } catch (error) {
      await cluster.remove();
      throw error;
    }
  }

  get endpoints(): readonly EtcdEndpoint[] {
    return this.members.map(({ clientPort }) => ({ host: '127.0.0.1', port: clientPort }));
  }

  /** Calls to one member, for what the driver itself never does. */
  admin(index = 0): Channel {
    const channel = this.#admins[index];
    if (channel === undefined) throw new Error(`no member ${index}`);
    return channel;
  }

  status(index: number) {
    return this.admin(index).once(methods.status, {}, 1_000);
  }

  /** Until every member answers and knows the leader. */
  async untilServing(withinMs = 30_000): Promise<void> {
    const untilMs = performance.now() + withinMs;
    for (const index of this.members.keys()) {
      for (;;) {
        try {
          if ((await this.status(index)).leader !== 0n) break;
        } catch (error) {
          if (performance.now() > untilMs) throw error;
        }
        await new Promise((resolve) => {
          setTimeout(resolve, 50);
        });
      }
    }
  }

  /** Place of the member that leads, as a member sees it that is not cut off. */
  async leader(): Promise<number> {
    for (const index of this.members.keys()) {
      if (this.#cut.has(index)) continue;
      try {
        const { leader } = await this.status(index);
        const place = this.#ids.indexOf(leader.toString(16));
        if (place >= 0) return place;
      } catch {
        // Stopped or killed: another one will tell.
      }
    }
    throw new Error('no member knows a leader');
  }

  async moveLeader(to: number): Promise<void> {
    const targetId = BigInt(`0x${this.#ids[to] ?? '0'}`);
    await this.admin(await this.leader()).once(methods.moveLeader, { targetId }, 5_000);
  }

  /** Forgets all history before the current revision. */
  async compact(): Promise<void> {
    const key = new TextEncoder().encode('any');
    const { header } = await this.admin().once(methods.range, { key }, 5_000);
    const request = { revision: header?.revision ?? 0, physical: true };
    await this.admin().once(methods.compact, request, 5_000);
  }

  /** Cuts a member off from the others; its clients still reach it. */
  cut(index: number): void {
    this.#cut.add(index);
    for (const link of this.#links) link.judge();
  }

  heal(index: number): void {
    this.#cut.delete(index);
  }

  async killAll(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
  }

  /** Kills and removes everything. */
  async remove(): Promise<void> {
    for (const admin of this.#admins) admin.close();
    await this.killAll();
    await Promise.all(this.#links.map((link) => link.close()));
    await rm(this.#directory, { recursive: true, force: true });
    process.off('exit', this.#onExit);
  }

  #mayPass(from: string | null, to: number): boolean {
    if (this.#cut.has(to)) return false;
    return from === null || !this.#cut.has(this.#ids.indexOf(from));
  }
}

async function writeTls(directory: string, { ca, client }: EtcdTls) {
  const files = {
    ca: `${directory}/ca.crt`,
    certificate: `${directory}/etcd.crt`,
    key: `${directory}/etcd.key`,
  };
  await writeFile(files.ca, ca ?? '');
  await writeFile(files.certificate, client?.certificate ?? '');
  await writeFile(files.key, client?.key ?? '', { mode: 0o600 });
  return files;
}

function adminChannel(endpoints: readonly EtcdEndpoint[], tls: EtcdTls | null): Channel {
  const env = { clock: realClock(), timers: realTimers() };
  return new Channel({
    ...env,
    endpoints,
    random: realRandom(),
    credentials: credentialsOf(tls),
    serverName: tls?.serverName ?? null,
    authenticator: new Authenticator(null, env),
  });
}

/** Ports that were free a moment ago, all different. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  for (const server of servers) server.close();
  await Promise.all(servers.map((server) => once(server, 'close')));
  return ports;
}
