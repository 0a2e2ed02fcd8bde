import { describe, expect, it } from 'vitest';
import { tinySpec } from '../../test/hypervisor/tiny-vm.ts';
import { VirtualTime } from '../../test/hypervisor/virtual-time.ts';
import { incarnationId, nodeId, token, vmId } from '../../src/core/model/ids.ts';
import type { VmId } from '../../src/core/model/ids.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import type { HypervisorDomain, HypervisorResult } from '../hypervisor.ts';
import { FakeLibvirtd } from './fake/fake-libvirtd.ts';
import { LibvirtHypervisor } from './libvirt-hypervisor.ts';
import { permitNamespace } from './permit-metadata.ts';

const vm = (number: number): VmId =>
  vmId(`00112233-4455-4677-8899-${number.toString(16).padStart(12, '0')}`);
const a = vm(1);
const b = vm(2);

const permitOf = (id: VmId, number: number): Permit => ({
  vm: id,
  node: nodeId('node-1'),
  incarnation: incarnationId('boot.1'),
  token: token(number),
});

const code = (result: HypervisorResult<unknown>): string =>
  result.kind === 'failed' ? result.code : result.kind;

async function bench() {
  const time = new VirtualTime();
  const daemon = new FakeLibvirtd(time.timers);
  const hypervisor = new LibvirtHypervisor({ env: time.env(), dial: daemon.dial });
  hypervisor.open();
  await time.until('it is connected', () => hypervisor.connected());
  const start = (id: VmId, number: number, mayBoot?: () => boolean) =>
    hypervisor.start(tinySpec(`vm-${id.slice(-1)}`), permitOf(id, number), mayBoot);
  const list = async (): Promise<readonly HypervisorDomain[]> => {
    const result = await time.settle(hypervisor.list());
    if (result.kind !== 'ok') throw new Error(`${result.kind}: ${result.message}`);
    return result.value;
  };
  return { time, daemon, hypervisor, start, list };
}

describe('listing', () => {
  it('of a hundred VMs costs two calls once their permits are known', async () => {
    const { time, daemon, start, list } = await bench();
    const all = Array.from({ length: 100 }, (_, index) => vm(index + 1));
    for (const [index, id] of all.entries()) {
      daemon.host.define(
        `<domain><name>n${index}</name><uuid>${id}</uuid><metadata><permit
          xmlns='${permitNamespace}' vm='${id}' node='n' incarnation='i' token='1'/></metadata></domain>`,
        0,
      );
    }
    await time.advance(10);
    expect(await list()).toHaveLength(100);
    expect(daemon.calls.get('getMetadata')).toBe(100);
    daemon.calls.clear();
    for (let round = 0; round < 10; round += 1) await list();
    expect(Object.fromEntries(daemon.calls)).toEqual({ allDomainStats: 10, listAllDomains: 10 });
    daemon.calls.clear();
    await time.settle(start(a, 9));
    await list();
    expect(daemon.calls.get('getMetadata')).toBeLessThanOrEqual(2);
  });

  it('sees a permit that someone else wrote, by the event', async () => {
    const { time, daemon, start, list } = await bench();
    await time.settle(start(a, 1));
    await list();
    const foreign = `<permit vm='${a}' node='n2' incarnation='i' token='5'/>`;
    daemon.host.setMetadata(daemon.host.find(a), permitNamespace, foreign, 3);
    await time.advance(1);
    expect((await list())[0]?.permit).toMatchObject({ token: 5, node: 'n2' });
  });

  it('sees it within the bound also when events are lost', async () => {
    const { time, daemon, start, list } = await bench();
    await time.settle(start(a, 1));
    await list();
    daemon.settings.losesEvents = true;
    const foreign = `<permit vm='${a}' node='n2' incarnation='i' token='5'/>`;
    daemon.host.setMetadata(daemon.host.find(a), permitNamespace, foreign, 3);
    await time.advance(31_000);
    expect((await list())[0]?.permit?.token).toBe(5);
  });

  it('sees a crash and a new run at once although events are lost', async () => {
    const { time, daemon, start, list } = await bench();
    daemon.settings.losesEvents = true;
    await time.settle(start(a, 1));
    await list();
    daemon.host.crash(a);
    expect((await list())[0]).toMatchObject({ active: false, reason: 'crashed' });
    await time.settle(start(a, 2));
    expect((await list())[0]).toMatchObject({ active: true, permit: { token: 2 } });
  });

  it('after a reconnect reads every permit anew', async () => {
    const { time, daemon, hypervisor, start, list } = await bench();
    await time.settle(start(a, 1));
    await list();
    daemon.kill();
    const foreign = `<permit vm='${a}' node='n2' incarnation='i' token='5'/>`;
    daemon.host.setMetadata(daemon.host.find(a), permitNamespace, foreign, 3);
    await time.advance(10);
    daemon.restart();
    await time.until('it is connected', () => hypervisor.connected());
    expect((await list())[0]?.permit?.token).toBe(5);
  });

  it('begins after it was asked for: a listing under way is not handed out', async () => {
    const { time, daemon, hypervisor, start, list } = await bench();
    await time.settle(start(a, 1));
    await list();
    daemon.settings.losesEvents = true;
    daemon.inject('allDomainStats', { kind: 'late', delayMs: 500 });
    const early = hypervisor.list();
    await time.advance(100);
    await time.settle(hypervisor.destroy(a));
    const [first, second, third] = await time.settle(
      Promise.all([early, hypervisor.list(), hypervisor.list()]),
    );
    expect(first.kind === 'ok' && first.value[0]?.active).toBe(true);
    expect(second.kind === 'ok' && second.value[0]?.active).toBe(false);
    expect(third).toBe(second);
  });

  it('goes on for the others while a hung VM is being killed, and tells that one as active', async () => {
    const { time, daemon, hypervisor, start, list } = await bench();
    await time.settle(start(a, 1));
    await time.settle(start(b, 2));
    await list();
    daemon.host.find(a).qemuHung = true;
    const destroy = hypervisor.destroy(a);
    await time.advance(100);
    const began = time.nowMs;
    daemon.host.crash(b);
    const c = `<domain><name>c</name><uuid>${vm(3)}</uuid></domain>`;
    daemon.host.createTransient(c);
    await time.advance(10);
    const domains = await list();
    expect(time.nowMs - began).toBeLessThan(100);
    expect(
      domains.map(({ vm: id, active, reason }) => [id, active, reason].join(' ')).sort(),
    ).toEqual([`${a} true destroying`, `${b} false crashed`, `${vm(3)} true booted`]);
    expect(domains.find(({ vm: id }) => id === a)?.permit).toEqual(permitOf(a, 1));
    expect(await time.settle(destroy)).toEqual({ kind: 'ok', value: undefined });
    expect((await list()).find(({ vm: id }) => id === a)).toMatchObject({
      active: false,
      reason: 'destroyed',
    });
  });

  it('waits for the kill of a hung VM no longer than a destroy needs to look it up', async () => {
    const { time, daemon, hypervisor, start, list } = await bench();
    await time.settle(start(a, 1));
    await time.settle(start(b, 2));
    await list();
    daemon.host.find(a).qemuHung = true;
    daemon.inject('lookupByUuid', { kind: 'late', delayMs: 50 });
    const destroy = hypervisor.destroy(a);
    const began = time.nowMs;
    expect((await list()).map(({ active }) => active)).toEqual([true, true]);
    expect(time.nowMs - began).toBe(50);
    await time.settle(destroy);
  });

  it('that was overtaken by such a kill is made once more without that VM', async () => {
    const { time, daemon, hypervisor, start, list } = await bench();
    await time.settle(start(a, 1));
    await time.settle(start(b, 2));
    await list();
    daemon.host.find(a).qemuHung = true;
    daemon.inject('allDomainStats', { kind: 'late', delayMs: 5000 });
    const listing = hypervisor.list();
    const destroy = hypervisor.destroy(a);
    expect(code(await time.settle(listing))).toBe('ok');
    expect(code(await time.settle(destroy))).toBe('ok');
  });

  it('is ambiguous when libvirtd does not answer, and failed when it is gone', async () => {
    const { time, daemon, hypervisor } = await bench();
    daemon.stop();
    const began = time.nowMs;
    expect(code(await time.settle(hypervisor.list()))).toBe('ambiguous');
    expect(time.nowMs - began).toBeLessThanOrEqual(3000);
    await time.advance(2000);
    expect(hypervisor.connected()).toBe(false);
    expect(code(await time.settle(hypervisor.list()))).toBe('libvirtUnavailable');
  });

  it('V15: tells a VM started by hand, without a permit and without a stored half', async () => {
    const { daemon, list } = await bench();
    daemon.host.createTransient(`<domain><name>c</name><uuid>${a}</uuid></domain>`);
    expect(await list()).toEqual([
      {
        vm: a,
        name: 'c',
        active: true,
        state: 'running',
        reason: 'booted',
        permit: null,
        persistent: false,
      },
    ]);
  });

  it('the permit of a copied VM is not one for the copy', async () => {
    const { daemon, list } = await bench();
    daemon.host.createTransient(
      `<domain><name>c</name><uuid>${b}</uuid><metadata><permit xmlns='${permitNamespace}'
        vm='${a}' node='n' incarnation='i' token='1'/></metadata></domain>`,
    );
    expect((await list())[0]?.permit).toBeNull();
  });

  it('S2: a VM whose disk failed is paused by an I/O error and still active', async () => {
    const { time, daemon, start, list } = await bench();
    await time.settle(start(a, 1));
    daemon.host.ioError(a);
    expect((await list())[0]).toMatchObject({ active: true, state: 'paused', reason: 'ioError' });
  });
});

describe('starting', () => {
  it('whose answer is lost is ambiguous, and the VM runs under that permit', async () => {
    const { time, daemon, hypervisor, start, list } = await bench();
    daemon.inject('createWithFlags', { kind: 'dropped' });
    expect(code(await time.settle(start(a, 1)))).toBe('ambiguous');
    await time.until('it is connected again', () => hypervisor.connected());
    expect((await list())[0]).toMatchObject({ active: true, permit: permitOf(a, 1) });
    expect(code(await time.settle(start(a, 1)))).toBe('ok');
    expect(daemon.host.find(a).boots).toBe(1);
  });

  it('whose definition was refused boots nothing and says why', async () => {
    const { time, daemon, start, list } = await bench();
    daemon.inject('defineXmlFlags', { kind: 'error', number: 67, message: 'no such machine' });
    expect(await time.settle(start(a, 1))).toEqual({
      kind: 'failed',
      code: 'domainXmlUnsupported',
      message: 'no such machine',
    });
    expect(await list()).toEqual([]);
  });

  it('stops at the first step that fails: without autostart off nothing boots', async () => {
    const { time, daemon, start, list } = await bench();
    daemon.inject('setAutostart', { kind: 'error', number: 38, message: 'disk full' });
    expect(code(await time.settle(start(a, 1)))).toBe('libvirtSystemError');
    daemon.inject('hasManagedSave', { kind: 'error', number: 38, message: 'disk full' });
    expect(code(await time.settle(start(a, 2)))).toBe('libvirtSystemError');
    expect(await list()).toMatchObject([{ active: false }]);
    expect(daemon.calls.get('createWithFlags')).toBeUndefined();
  });

  it('S6: a disk lock held elsewhere is told as such', async () => {
    const { time, daemon, start } = await bench();
    daemon.inject('createWithFlags', { kind: 'error', number: 87, message: 'held by node-2' });
    expect(await time.settle(start(a, 1))).toMatchObject({
      code: 'diskLockHeld',
      message: 'held by node-2',
    });
  });

  it('that was held up too long sends no boot command', async () => {
    const { time, daemon, start, list } = await bench();
    daemon.inject('defineXmlFlags', { kind: 'late', delayMs: 5500 });
    expect(code(await time.settle(start(a, 1)))).toBe('startTooLate');
    expect(await list()).toMatchObject([{ active: false }]);
    expect(daemon.calls.get('createWithFlags')).toBeUndefined();
  });

  it('asks for leave in the turn in which the boot command goes out', async () => {
    const { time, daemon, start, list } = await bench();
    daemon.inject('defineXmlFlags', { kind: 'late', delayMs: 2000 });
    let leased = true;
    const result = start(a, 1, () => leased);
    await time.advance(1000);
    leased = false;
    expect(code(await time.settle(result))).toBe('startTooLate');
    expect(await list()).toMatchObject([{ active: false }]);
  });

  it('in a queue behind four slow starts is not sent late either', async () => {
    const { time, daemon, hypervisor, start } = await bench();
    for (let count = 0; count < 4; count += 1) {
      daemon.inject('createWithFlags', { kind: 'late', delayMs: 8000 });
    }
    const slow = [1, 2, 3, 4].map((number) => start(vm(number), 1));
    await time.advance(1000);
    const fifth = start(vm(5), 1);
    // A destroy does not wait behind starts.
    expect(code(await time.settle(hypervisor.destroy(vm(9))))).toBe('ok');
    expect(code(await time.settle(fifth))).toBe('startTooLate');
    expect((await time.settle(Promise.all(slow))).map(code)).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(time.nowMs).toBeGreaterThan(8000);
  });

  it('under two permits at once runs under one of them, and the other is refused', async () => {
    const { time, start, list } = await bench();
    const results = await time.settle(Promise.all([start(a, 1), start(a, 2)]));
    expect(results.map(code)).toEqual(['ok', 'activeWithOtherPermit']);
    expect((await list())[0]?.permit?.token).toBe(1);
  });

  it('that meets a boot by someone else in between tells by the live permit', async () => {
    const { time, daemon, start } = await bench();
    daemon.inject('hasManagedSave', { kind: 'late', delayMs: 1000 });
    const result = start(a, 1);
    await time.advance(500);
    await time.settle(daemon.host.create(daemon.host.find(a), 8));
    expect(code(await time.settle(result))).toBe('ok');
    expect(daemon.host.find(a).boots).toBe(1);
  });
});

describe('stopping', () => {
  it('two destroys of one VM are one call', async () => {
    const { time, daemon, hypervisor, start } = await bench();
    await time.settle(start(a, 1));
    const both = Promise.all([hypervisor.destroy(a), hypervisor.destroy(a)]);
    expect((await time.settle(both)).map(code)).toEqual(['ok', 'ok']);
    expect(daemon.calls.get('destroyFlags')).toBe(1);
  });

  it('a destroy of a VM that ended meanwhile is ok', async () => {
    const { time, daemon, hypervisor, start } = await bench();
    await time.settle(start(a, 1));
    daemon.inject('lookupByUuid', { kind: 'late', delayMs: 200 });
    const destroy = hypervisor.destroy(a);
    await time.advance(100);
    daemon.host.crash(a);
    expect(code(await time.settle(destroy))).toBe('ok');
  });

  it('a destroy that libvirt could not do is failed, and the VM stays active', async () => {
    const { time, daemon, hypervisor, start, list } = await bench();
    await time.settle(start(a, 1));
    daemon.inject('destroyFlags', { kind: 'error', number: 38, message: 'process in D state' });
    expect(await time.settle(hypervisor.destroy(a))).toEqual({
      kind: 'failed',
      code: 'libvirtSystemError',
      message: 'process in D state',
    });
    expect((await list())[0]?.active).toBe(true);
  });

  it('an unanswered destroy is ambiguous at its deadline', async () => {
    const { time, daemon, hypervisor, start } = await bench();
    await time.settle(start(a, 1));
    daemon.inject('destroyFlags', { kind: 'neverAnswered' });
    const began = time.nowMs;
    expect(code(await time.settle(hypervisor.destroy(a)))).toBe('ambiguous');
    expect(time.nowMs - began).toBe(30_000);
  });

  it('a shutdown of a VM that hangs is ambiguous and holds up no destroy', async () => {
    const { time, daemon, hypervisor, start } = await bench();
    for (const number of [1, 2, 3, 4, 5]) {
      await time.settle(start(vm(number), 1));
      daemon.host.find(vm(number)).qemuHung = true;
    }
    const asked = Promise.all([1, 2, 3, 4, 5].map((number) => hypervisor.shutdown(vm(number))));
    await time.advance(100);
    const began = time.nowMs;
    expect(code(await time.settle(hypervisor.destroy(a)))).toBe('ok');
    expect(time.nowMs - began).toBe(10_000);
    expect((await time.settle(asked)).map(code)).toEqual([
      'ambiguous',
      'ambiguous',
      'ambiguous',
      'ambiguous',
      'libvirtUnavailable',
    ]);
    await time.until('it recovers', () => hypervisor.connected());
    expect(code(await time.settle(start(a, 2)))).toBe('ok');
  });
});

describe('forgetting', () => {
  it('that met a start on its way is not ok: the VM runs, and is told as active', async () => {
    const { time, daemon, hypervisor, start, list } = await bench();
    await time.settle(start(a, 1));
    await time.settle(hypervisor.destroy(a));
    const starting = daemon.host.create(daemon.host.find(a), 8);
    const result = hypervisor.undefine(a);
    await time.settle(starting);
    expect(code(await time.settle(result))).toBe('domainActive');
    expect(await list()).toMatchObject([{ active: true, persistent: false }]);
    expect(code(await time.settle(hypervisor.destroy(a)))).toBe('ok');
    expect(await list()).toEqual([]);
  });

  it('waits for an earlier start of the same VM', async () => {
    const { time, hypervisor, start } = await bench();
    const results = await time.settle(Promise.all([start(a, 1), hypervisor.undefine(a)]));
    expect(results.map(code)).toEqual(['ok', 'domainActive']);
  });
});

describe('writing a permit', () => {
  it('onto a VM without a stored half writes the live one', async () => {
    const { time, daemon, hypervisor, list } = await bench();
    daemon.host.createTransient(`<domain><name>c</name><uuid>${a}</uuid></domain>`);
    expect(code(await time.settle(hypervisor.setPermit(permitOf(a, 3))))).toBe('ok');
    expect(await list()).toMatchObject([{ permit: permitOf(a, 3), persistent: false }]);
  });

  it('whose answer is lost is ambiguous, and a listing tells what became of it', async () => {
    const { time, daemon, hypervisor, start, list } = await bench();
    await time.settle(start(a, 1));
    await list();
    daemon.settings.losesEvents = true;
    daemon.inject('setMetadata', { kind: 'neverAnswered' });
    expect(code(await time.settle(hypervisor.setPermit(permitOf(a, 3))))).toBe('ambiguous');
    expect((await list())[0]?.permit?.token).toBe(3);
  });
});

it('after a loss of power stored VMs are there, inactive, and nothing started by itself', async () => {
  const { time, daemon, hypervisor, start, list } = await bench();
  await time.settle(start(a, 1));
  daemon.host.createTransient(`<domain><name>c</name><uuid>${b}</uuid></domain>`);
  const pending = hypervisor.list();
  daemon.powerLoss();
  await time.settle(pending);
  expect(hypervisor.connected()).toBe(false);
  daemon.restart();
  await time.until('it is connected', () => hypervisor.connected());
  expect(await list()).toMatchObject([{ vm: a, active: false, permit: permitOf(a, 1) }]);
});

describe('a ping of the guest agent', () => {
  it('is answered by the guest, or says that none answers, or that nobody was asked', async () => {
    const { time, daemon, hypervisor, start } = await bench();
    const ping = async () => code(await time.settle(hypervisor.pingGuest(a, 1000)));
    expect(await ping()).toBe('ambiguous');
    await time.settle(start(a, 1));
    expect(await ping()).toBe('guestAgentUnresponsive');
    const domain = daemon.host.domains.get(a);
    if (domain !== undefined) domain.agentAnswers = true;
    expect(await ping()).toBe('ok');
    await time.settle(hypervisor.destroy(a));
    expect(await ping()).toBe('ambiguous');
    daemon.inject('agentCommand', { kind: 'neverAnswered' });
    await time.settle(start(a, 2));
    expect(await ping()).toBe('ambiguous');
    expect(hypervisor.connected()).toBe(true);
  });
});
