import { describe, expect, it } from 'vitest';
import { VirtualTime } from '../../test/hypervisor/virtual-time.ts';
import type { ByteStream } from './byte-stream.ts';
import type { LibvirtEvent } from './client.ts';
import { LibvirtClient } from './client.ts';
import { FakeLibvirtd } from './fake/fake-libvirtd.ts';
import { procedures } from './procedures.ts';

interface Bench {
  readonly time: VirtualTime;
  readonly daemon: FakeLibvirtd;
  readonly client: LibvirtClient;
  readonly events: LibvirtEvent[];
  /** Times at which a connection was begun. */
  readonly dialled: number[];
}

function bench(): Bench {
  const time = new VirtualTime();
  const daemon = new FakeLibvirtd(time.timers);
  const dialled: number[] = [];
  const dial = (): ByteStream => {
    dialled.push(time.nowMs);
    return daemon.dial();
  };
  const client = new LibvirtClient({ env: time.env(), dial });
  const events: LibvirtEvent[] = [];
  client.onEvent((event) => events.push(event));
  return { time, daemon, client, events, dialled };
}

const kindsOf = (events: readonly LibvirtEvent[]): string[] => events.map(({ kind }) => kind);

const xml = `<domain type='qemu'><name>a</name>
  <uuid>00112233-4455-4677-8899-aabbccddeeff</uuid><memory>2048</memory></domain>`;

describe('the libvirt client', () => {
  it('is connected once all its connections are, and says so once', async () => {
    const { time, client, events, daemon } = bench();
    expect(client.connected()).toBe(false);
    client.open();
    await time.until('it is connected', () => client.connected());
    expect(kindsOf(events)).toEqual(['connected']);
    expect(daemon.connectionCount()).toBe(5);
    expect(client.problem()).toBeNull();
  });

  it('refuses a socket that asks for authentication, says how to mend it, and tries again', async () => {
    const { time, daemon, client } = bench();
    daemon.settings.authTypes = [2];
    client.open();
    await time.advance(1000);
    expect(client.connected()).toBe(false);
    expect(client.problem()).toMatchObject({ code: 'libvirtAuthRequired' });
    expect(client.problem()?.message).toContain('auth_unix_rw = "none"');
    const call = client.reads.call(procedures.getVersion, undefined, 1000);
    expect(await call).toMatchObject({ kind: 'notSent', code: 'libvirtAuthRequired' });
    daemon.settings.authTypes = [0];
    await time.until('it is connected', () => client.connected(), 10_000);
  });

  it('refuses a libvirtd that is older than the oldest tested one', async () => {
    const { time, daemon, client } = bench();
    daemon.settings.libvirtVersion = 8_010_000n;
    client.open();
    await time.advance(1000);
    expect(client.problem()).toEqual({
      code: 'libvirtTooOld',
      message: 'libvirtd is version 8.10.0; 9.0.0 or newer is needed',
    });
    expect(daemon.connectionCount()).toBe(0);
  });

  it('dials an absent daemon with growing pauses that never pass the bound', async () => {
    const { time, daemon, client, dialled } = bench();
    daemon.kill();
    client.open();
    await time.advance(60_000);
    const perLink = dialled.length / 3;
    expect(perLink).toBeGreaterThan(60_000 / 5000);
    expect(perLink).toBeLessThan(40);
    const last = dialled.filter((at) => at > 30_000);
    expect(last.length / 4).toBeLessThanOrEqual(30_000 / 2500 + 1);
    daemon.restart();
    await time.until('it is connected', () => client.connected(), 6000);
  });

  it('N11: a daemon that died and came back is used again within a second', async () => {
    const { time, daemon, client, events } = bench();
    client.open();
    await time.advance(20_000);
    daemon.kill();
    await time.advance(0);
    expect(client.connected()).toBe(false);
    expect(client.problem()).toMatchObject({ code: 'libvirtUnavailable' });
    await time.advance(200);
    daemon.restart();
    await time.until('it is connected', () => client.connected(), 800);
    expect(kindsOf(events)).toEqual([
      'connected',
      'disconnected',
      'disconnected',
      'disconnected',
      'disconnected',
      'connected',
    ]);
  });

  it('N11: a daemon that hung and went on is used again', async () => {
    const { time, daemon, client } = bench();
    client.open();
    await time.advance(20_000);
    daemon.stop();
    await time.advance(4100);
    expect(client.connected()).toBe(false);
    await time.advance(60_000);
    daemon.continue();
    await time.until('it is connected', () => client.connected(), 10_000);
    await time.advance(30_000);
    expect(client.connected()).toBe(true);
    expect(daemon.connectionCount()).toBe(5);
  });

  it('events name the domain, and are registered again after a break', async () => {
    const { time, daemon, client, events } = bench();
    client.open();
    await time.until('it is connected', () => client.connected());
    events.length = 0;
    const domain = daemon.host.define(xml, 0);
    await time.advance(10);
    expect(events).toEqual([
      { kind: 'domainChanged', domain: expect.objectContaining({ name: 'a', id: -1 }) },
    ]);
    daemon.kill();
    await time.advance(10);
    daemon.restart();
    await time.until('it is connected', () => client.connected());
    events.length = 0;
    await daemon.host.undefine(domain, 0);
    await time.advance(10);
    expect(kindsOf(events)).toEqual(['domainChanged']);
  });

  it('a failed registration of events is a failed connection', async () => {
    const { time, daemon, client } = bench();
    daemon.inject('eventRegister', { kind: 'error', number: 3, message: 'not here' });
    client.open();
    await time.advance(10);
    expect(client.connected()).toBe(false);
    expect(client.problem()?.message).toContain('events not registered: not here');
    await time.until('the next try works', () => client.connected(), 1000);
  });

  it('close ends everything and nothing is dialled afterwards', async () => {
    const { time, daemon, client, dialled } = bench();
    client.open();
    await time.advance(100);
    client.close();
    const before = dialled.length;
    await time.advance(60_000);
    expect(dialled).toHaveLength(before);
    expect(client.connected()).toBe(false);
    expect(daemon.connectionCount()).toBe(0);
  });
});
