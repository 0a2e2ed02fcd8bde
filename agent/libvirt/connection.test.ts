import { describe, expect, it } from 'vitest';
import { VirtualTime } from '../../test/hypervisor/virtual-time.ts';
import type { CallResult } from './connection.ts';
import { callWindow, LibvirtConnection } from './connection.ts';
import { FakeLibvirtd } from './fake/fake-libvirtd.ts';
import { encodeMessage, FrameReader, keepaliveMessage, remoteProgram } from './framing.ts';
import { handshake } from './handshake.ts';
import { procedures } from './procedures.ts';

interface Bench {
  readonly time: VirtualTime;
  readonly daemon: FakeLibvirtd;
  readonly connection: LibvirtConnection;
  /** Reasons of closing, with the time. */
  readonly closed: string[];
  readonly ask: (deadlineMs?: number) => Promise<CallResult<{ version: bigint }>>;
}

async function bench(): Promise<Bench> {
  const time = new VirtualTime();
  const daemon = new FakeLibvirtd(time.timers);
  const options = { pingMs: 1000, silentPings: 3 };
  const connection = new LibvirtConnection(time.env(), daemon.dial(), options);
  const closed: string[] = [];
  connection.onClose((reason) => closed.push(`${time.nowMs} ${reason}`));
  await time.settle(handshake(connection, 'qemu:///system', 1000));
  const ask = (deadlineMs = 1000) => connection.call(procedures.getVersion, undefined, deadlineMs);
  return { time, daemon, connection, closed, ask };
}

const kinds = (results: readonly CallResult<unknown>[]): string[] =>
  results.map((result) => (result.kind === 'notSent' ? result.code : result.kind));

describe('a connection to libvirtd', () => {
  it('keeps at most four calls in flight, and all of many end', async () => {
    const { time, daemon, ask } = await bench();
    for (let count = 0; count < 20; count += 1) {
      daemon.inject('getVersion', { kind: 'late', delayMs: 100 });
    }
    let most = 0;
    const watch = (): void => {
      most = Math.max(most, daemon.mostInFlight());
      if (time.nowMs < 1000) time.timers.after(10, watch);
    };
    watch();
    const results = await time.settle(Promise.all(Array.from({ length: 20 }, () => ask())));
    expect(new Set(kinds(results))).toEqual(new Set(['ok']));
    expect(time.nowMs).toBe(500);
    expect(most).toBe(callWindow);
  });

  it('a call that is not answered in its time is ambiguous, one that was not sent is not', async () => {
    const { time, daemon, ask, closed } = await bench();
    for (let count = 0; count < 4; count += 1) {
      daemon.inject('getVersion', { kind: 'late', delayMs: 700 });
    }
    const results = await time.settle(
      Promise.all([ask(500), ask(), ask(), ask(), ask(500), ask(600), ask(2000)]),
    );
    expect(kinds(results)).toEqual([
      'ambiguous',
      'ok',
      'ok',
      'ok',
      'libvirtBusy',
      'libvirtBusy',
      'ok',
    ]);
    expect(closed).toEqual([]);
  });

  it('a late reply to a call that was given up on is dropped', async () => {
    const { time, daemon, ask, closed } = await bench();
    daemon.inject('getVersion', { kind: 'late', delayMs: 700 });
    expect(kinds([await time.settle(ask(500))])).toEqual(['ambiguous']);
    daemon.settings.qemuVersion = 8_000_000n;
    expect(await time.settle(ask())).toEqual({ kind: 'ok', value: { version: 8_000_000n } });
    await time.advance(1000);
    expect(kinds([await time.settle(ask())])).toEqual(['ok']);
    expect(closed).toEqual([]);
  });

  it('a call that was given up on keeps its place until the daemon answers it', async () => {
    const { time, daemon, ask } = await bench();
    for (let count = 0; count < 4; count += 1) {
      daemon.inject('getVersion', { kind: 'late', delayMs: 2000 });
    }
    const early = [ask(500), ask(500), ask(500), ask(3000)];
    await time.advance(600);
    expect(daemon.mostInFlight()).toBe(4);
    const waiting = ask(3000);
    await time.advance(1000);
    expect(daemon.mostInFlight()).toBe(4);
    expect(kinds(await time.settle(Promise.all([...early, waiting])))).toEqual([
      'ambiguous',
      'ambiguous',
      'ambiguous',
      'ok',
      'ok',
    ]);
  });

  it('is given up when every place is held by calls that were given up on', async () => {
    const { time, daemon, ask, closed } = await bench();
    for (let count = 0; count < 4; count += 1)
      daemon.inject('getVersion', { kind: 'neverAnswered' });
    const results = await time.settle(Promise.all([ask(), ask(), ask(), ask(), ask(5000)]));
    expect(kinds(results)).toEqual([
      'ambiguous',
      'ambiguous',
      'ambiguous',
      'ambiguous',
      'libvirtUnavailable',
    ]);
    expect(closed).toEqual(['1000 every call in flight was given up']);
  });

  it('replies in another order reach the calls they belong to', async () => {
    const { time, daemon, connection, ask } = await bench();
    daemon.reverseReplies(3);
    const feature = connection.call(procedures.supportsFeature, { feature: 1 }, 1000);
    const library = connection.call(procedures.getLibVersion, undefined, 1000);
    const results = await time.settle(Promise.all([feature, library, ask()]));
    expect(results.map((result) => result.kind === 'ok' && result.value)).toEqual([
      { supported: 0 },
      { version: 9_000_000n },
      { version: 7_002_000n },
    ]);
  });

  it('N11: a daemon that hangs is dead after three silent pings, and all calls end together', async () => {
    const { time, daemon, ask, closed } = await bench();
    daemon.stop();
    const endedAt: number[] = [];
    const calls = Array.from({ length: 21 }, async () => {
      const result = await ask(60_000);
      endedAt.push(time.nowMs);
      return result;
    });
    const results = kinds(await time.settle(Promise.all(calls)));
    expect(results.filter((kind) => kind === 'ambiguous')).toHaveLength(4);
    expect(results.filter((kind) => kind === 'libvirtUnavailable')).toHaveLength(17);
    expect(closed).toEqual(['3000 libvirtd silent for 3 pings of 1000 ms']);
    expect(new Set(endedAt)).toEqual(new Set([3000]));
  });

  it('a pause of the daemon shorter than that does no harm', async () => {
    const { time, daemon, ask, closed } = await bench();
    daemon.stop();
    const call = ask(60_000);
    await time.advance(2900);
    daemon.continue();
    expect(kinds([await time.settle(call)])).toEqual(['ok']);
    await time.advance(10_000);
    expect(closed).toEqual([]);
  });

  it('an idle connection stays up on both sides for minutes', async () => {
    const { time, daemon, ask, closed } = await bench();
    await time.advance(300_000);
    expect(closed).toEqual([]);
    expect(daemon.connectionCount()).toBe(1);
    expect(kinds([await time.settle(ask())])).toEqual(['ok']);
  });

  it('four calls of ten seconds do not make a healthy daemon look dead', async () => {
    const { time, daemon, ask, closed } = await bench();
    for (let count = 0; count < 4; count += 1) {
      daemon.inject('getVersion', { kind: 'late', delayMs: 10_000 });
    }
    const results = await time.settle(Promise.all(Array.from({ length: 8 }, () => ask(30_000))));
    expect(new Set(kinds(results))).toEqual(new Set(['ok']));
    expect(closed).toEqual([]);
  });

  it('a reply that cannot be read ends the connection, and its call is ambiguous', async () => {
    const { time, daemon, ask, closed } = await bench();
    daemon.inject('getVersion', { kind: 'malformedReply' });
    expect(kinds(await time.settle(Promise.all([ask(), ask()])))).toEqual([
      'ambiguous',
      'ambiguous',
    ]);
    expect(closed).toEqual(['0 reply to CONNECT_GET_VERSION is malformed']);
  });

  it('a break between effect and reply is ambiguous', async () => {
    const { time, daemon, ask, closed } = await bench();
    daemon.inject('getVersion', { kind: 'dropped' });
    const calls = [ask(), ask(), ask(), ask(), ask()];
    expect(kinds(await time.settle(Promise.all(calls)))).toEqual([
      'ambiguous',
      'ambiguous',
      'ambiguous',
      'ambiguous',
      'libvirtUnavailable',
    ]);
    expect(closed).toEqual(['0 closed by the peer']);
    expect(kinds([await ask()])).toEqual(['libvirtUnavailable']);
  });

  it('an error of the daemon keeps its number, our code and its text', async () => {
    const { time, daemon, ask } = await bench();
    daemon.inject('getVersion', { kind: 'error', number: 87, message: 'held elsewhere' });
    daemon.inject('getVersion', { kind: 'error', number: 4711, message: '' });
    expect(await time.settle(Promise.all([ask(), ask()]))).toEqual([
      { kind: 'error', error: { number: 87, code: 'diskLockHeld', message: 'held elsewhere' } },
      { kind: 'error', error: { number: 4711, code: 'libvirtError4711', message: '' } },
    ]);
  });

  it('a guard is asked when the call leaves, not when it is made', async () => {
    const { time, daemon, connection, ask } = await bench();
    for (let count = 0; count < 4; count += 1) {
      daemon.inject('getVersion', { kind: 'late', delayMs: 700 });
    }
    const slow = [ask(), ask(), ask(), ask()];
    const asked: number[] = [];
    const guarded = connection.call(procedures.getLibVersion, undefined, 5000, () => {
      asked.push(time.nowMs);
      return { code: 'startTooLate', message: 'no' };
    });
    const results = await time.settle(Promise.all([...slow, guarded, ask()]));
    expect(kinds(results).slice(4)).toEqual(['startTooLate', 'ok']);
    expect(asked).toEqual([700]);
    expect(daemon.calls.get('getLibVersion')).toBe(1); // That of the handshake.
  });

  it('arguments that cannot be encoded are refused before they are sent', async () => {
    const { time, connection } = await bench();
    const domain = { name: 'a', uuid: new Uint8Array(3), id: 1 };
    const call = connection.call(procedures.setAutostart, { domain, autostart: 0 }, 1000);
    expect(kinds([await time.settle(call)])).toEqual(['libvirtInvalidArgument']);
  });

  it('no timer is left behind once it is closed', async () => {
    const { time, daemon, connection, ask } = await bench();
    daemon.stop();
    const calls = [ask(), ask(), ask(), ask(), ask()];
    connection.close('done');
    expect(kinds(await Promise.all(calls))).toContain('ambiguous');
    daemon.kill();
    await time.advance(0);
    expect(time.pendingTimers).toBe(0);
  });
});

describe('the fake libvirtd', () => {
  it('reads nothing more from a client with five calls in flight, pings included', async () => {
    const time = new VirtualTime();
    const daemon = new FakeLibvirtd(time.timers);
    const stream = daemon.dial();
    const pongs: number[] = [];
    const frames = new FrameReader();
    stream.onData((chunk) => {
      frames.push(chunk);
      for (let framed = frames.next(); framed.kind === 'message'; framed = frames.next()) {
        if (framed.message.header.program !== remoteProgram) pongs.push(time.nowMs);
      }
    });
    const header = { program: remoteProgram, version: 1, procedure: 4, type: 0, status: 0 };
    const call = (serial: number): void =>
      stream.write(encodeMessage({ ...header, serial }, new Uint8Array(0)));
    for (let serial = 1; serial <= 5; serial += 1) {
      daemon.inject('getVersion', { kind: 'late', delayMs: 10_000 });
      call(serial);
      if (serial >= 4) stream.write(keepaliveMessage(1));
      await time.advance(100);
    }
    await time.advance(20_000);
    expect(pongs).toEqual([300, 10_000]);
  });
});
