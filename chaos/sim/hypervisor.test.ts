import { describe, expect, it } from 'vitest';
import { tinySpec } from '../../test/hypervisor/tiny-vm.ts';
import { VirtualTime } from '../../test/hypervisor/virtual-time.ts';
import type { HypervisorResult } from '../../agent/hypervisor.ts';
import { incarnationId, nodeId, token, vmId } from '../../src/core/model/ids.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import { SimHypervisor } from './hypervisor.ts';
import { SimHost } from './sim-host.ts';

const vm = vmId('00112233-4455-4677-8899-000000000001');
const other = vmId('00112233-4455-4677-8899-000000000002');

const permitOf = (number: number): Permit => ({
  vm,
  node: nodeId('node-1'),
  incarnation: incarnationId('boot.1'),
  token: token(number),
});

const code = (result: HypervisorResult<unknown>): string =>
  result.kind === 'failed' ? result.code : result.kind;

async function bench(random?: { fraction(): number }) {
  const time = new VirtualTime();
  const writes: string[] = [];
  const host = new SimHost({
    timers: time.timers,
    capacity: { memoryMiB: 4096, vcpus: 4 },
    ...(random === undefined ? {} : { random }),
    onDiskWriter: (id, running) =>
      writes.push(`${time.nowMs} ${id.slice(-1)} ${running ? 'begins' : 'ends'}`),
  });
  const connect = async (): Promise<SimHypervisor> => {
    const made = new SimHypervisor({ env: time.env(), host });
    made.open();
    await time.until('it is connected', () => made.connected());
    return made;
  };
  const hypervisor = await connect();
  const start = (number: number) => hypervisor.start(tinySpec('a'), permitOf(number));
  const list = async () => {
    const result = await time.settle(hypervisor.list());
    if (result.kind !== 'ok') throw new Error(result.message);
    return result.value;
  };
  return { time, host, writes, connect, hypervisor, start, list };
}

describe('the simulated host', () => {
  it('keeps its VMs when the agent ends; a new one finds them', async () => {
    const { time, host, connect, hypervisor, start } = await bench();
    await time.settle(start(1));
    await hypervisor.close();
    const next = await connect();
    expect(await time.settle(next.list())).toMatchObject({
      value: [{ vm, active: true, permit: permitOf(1) }],
    });
    expect(host.writers()).toEqual([vm]);
  });

  it('loses what runs and keeps what is stored when it loses power', async () => {
    const { time, host, writes, hypervisor, start } = await bench();
    await time.settle(start(1));
    host.startByHand(other, 'hand');
    const began = time.nowMs;
    const pending = hypervisor.list();
    host.powerOff();
    expect(writes).toEqual([
      '602 1 begins',
      `${began} 2 begins`,
      `${began} 1 ends`,
      `${began} 2 ends`,
    ]);
    expect(code(await time.settle(pending))).toBe('ambiguous');
    expect(hypervisor.connected()).toBe(false);
    await time.advance(10_000);
    host.powerOn();
    await time.until('it is connected', () => hypervisor.connected());
    expect(await time.settle(hypervisor.list())).toMatchObject({
      value: [{ vm, active: false, permit: permitOf(1) }],
    });
    expect(writes).toHaveLength(4);
  });

  it('boots by itself only what has autostart on', async () => {
    const { time, host, start } = await bench();
    await time.settle(start(1));
    host.powerOff();
    host.powerOn();
    expect(host.writers()).toEqual([]);
    const domain = host.find(vm);
    if (domain !== undefined) domain.autostart = true;
    host.powerOff();
    host.powerOn();
    expect(host.writers()).toEqual([vm]);
  });

  it('a start under way when power is lost leaves no writer', async () => {
    const { time, host, writes, start } = await bench();
    const started = start(1);
    await time.advance(300);
    host.powerOff();
    host.powerOn();
    expect(code(await time.settle(started))).toBe('ambiguous');
    await time.advance(60_000);
    expect(writes).toEqual([]);
  });

  it('stands still while frozen, with its writers, and goes on at the thaw', async () => {
    const { time, host, writes, start } = await bench();
    const started = start(1);
    await time.advance(300);
    host.freeze();
    await time.advance(30_000);
    expect(writes).toEqual([]);
    host.thaw();
    expect(code(await time.settle(started))).toBe('ok');
    host.freeze();
    expect(host.writers()).toEqual([vm]);
    host.powerOff();
    expect(host.frozen).toBe(false);
    expect(writes.at(-1)).toContain('1 ends');
  });

  it('V1: a crash ends the writer and nothing else', async () => {
    const { time, host, writes, start, list } = await bench();
    await time.settle(start(1));
    host.crash(vm);
    expect(writes.at(-1)).toContain('1 ends');
    expect(await list()).toMatchObject([{ active: false, reason: 'crashed' }]);
  });

  it('S2: an I/O error pauses a VM that stays a writer, until the disk is back', async () => {
    const { time, host, start, list } = await bench();
    await time.settle(start(1));
    host.ioError(vm);
    expect(await list()).toMatchObject([{ active: true, state: 'paused', reason: 'ioError' }]);
    host.resume(vm);
    expect(await list()).toMatchObject([{ active: true, state: 'running' }]);
  });

  it('V15: tells a VM started by hand, without a permit', async () => {
    const { host, list } = await bench();
    host.startByHand(other, 'hand');
    expect(await list()).toMatchObject([
      { vm: other, active: true, permit: null, persistent: false },
    ]);
  });

  it('start times spread by the random it is given, and by nothing else', async () => {
    const trace = async (fraction: number): Promise<readonly string[]> => {
      const { time, writes, start } = await bench({ fraction: () => fraction });
      await time.settle(start(1));
      return writes;
    };
    expect(await trace(0)).toEqual(['302 1 begins']);
    expect(await trace(0.5)).toEqual(['602 1 begins']);
    expect(await trace(0.5)).toEqual(await trace(0.5));
  });
});

describe('the simulated hypervisor under faults', () => {
  it('N11: a hung daemon is known after three seconds, and all calls end together', async () => {
    const { time, host, hypervisor, start } = await bench();
    await time.settle(start(1));
    host.hangDaemon();
    const ended: number[] = [];
    const calls = [hypervisor.xml(vm), hypervisor.destroy(vm), hypervisor.shutdown(vm)];
    for (const call of calls) void call.then(() => ended.push(time.nowMs));
    const began = time.nowMs;
    await time.advance(2900);
    expect(hypervisor.connected()).toBe(true);
    const results = await time.settle(Promise.all(calls));
    expect(results.map(code)).toEqual(['ambiguous', 'ambiguous', 'ambiguous']);
    expect(new Set(ended)).toEqual(new Set([began + 3000]));
    expect(hypervisor.connected()).toBe(false);
    expect(host.writers()).toEqual([vm]);
    expect(code(await hypervisor.list())).toBe('libvirtUnavailable');
    host.resumeDaemon();
    await time.until('it is connected', () => hypervisor.connected());
    await time.advance(1000);
    // The destroy that nobody waits for any more takes effect all the same.
    expect(host.writers()).toEqual([]);
  });

  it('a lost answer to the boot command is ambiguous, and the VM comes up later', async () => {
    const { time, host, start, list } = await bench();
    host.inject('start', { kind: 'ackLost', effectAfterMs: 70_000 });
    expect(code(await time.settle(start(1)))).toBe('ambiguous');
    expect(await list()).toMatchObject([{ active: false, permit: permitOf(1) }]);
    await time.advance(20_000);
    expect(await list()).toMatchObject([{ active: true, permit: permitOf(1) }]);
  });

  it('a late boot finds nothing once the definition is gone', async () => {
    const { time, host, writes, hypervisor, start } = await bench();
    host.inject('start', { kind: 'ackLost', effectAfterMs: 70_000 });
    await time.settle(start(1));
    expect(code(await time.settle(hypervisor.undefine(vm)))).toBe('ok');
    await time.advance(60_000);
    expect(writes).toEqual([]);
    expect(host.domains()).toEqual([]);
  });

  it('a late boot runs the definition it finds, under the permit of that', async () => {
    const { time, host, hypervisor, start, list } = await bench();
    host.inject('start', { kind: 'ackLost', effectAfterMs: 60_500 });
    await time.settle(start(1));
    await time.settle(hypervisor.undefine(vm));
    expect(code(await time.settle(start(2)))).toBe('ok');
    await time.advance(5000);
    expect(await list()).toMatchObject([{ active: true, permit: permitOf(2) }]);
    expect(host.find(vm)?.boots).toBe(1);
  });

  it('a definition that is held up too long is not followed by a boot', async () => {
    const { time, host, writes, hypervisor, start } = await bench();
    host.freeze();
    const late = start(1);
    await time.advance(6000);
    host.thaw();
    expect(code(await time.settle(late))).toBe('startTooLate');
    const refused = hypervisor.start(tinySpec('a'), permitOf(2), () => false);
    expect(code(await time.settle(refused))).toBe('startTooLate');
    expect(writes).toEqual([]);
  });

  it('the death of the daemon ends all calls at once, leaves VMs alone, and half a start undone', async () => {
    const { time, host, writes, hypervisor, start } = await bench();
    await time.settle(start(1));
    const second = hypervisor.start(tinySpec('b'), { ...permitOf(1), vm: other });
    await time.advance(100);
    host.killDaemon();
    const began = time.nowMs;
    expect(code(await time.settle(second))).toBe('ambiguous');
    expect(time.nowMs).toBe(began);
    host.startDaemon();
    await time.until('it is connected', () => hypervisor.connected());
    await time.advance(10_000);
    expect(host.writers()).toEqual([vm]);
    expect(writes).toHaveLength(1);
  });

  it('a lost call has no effect and is ambiguous; one that fails says why', async () => {
    const { time, host, hypervisor, start } = await bench();
    await time.settle(start(1));
    host.inject('setPermit', { kind: 'lost' });
    expect(code(await time.settle(hypervisor.setPermit(permitOf(2))))).toBe('ambiguous');
    host.inject('setPermit', { kind: 'fails', code: 'domainBusy', message: 'busy' });
    expect(code(await time.settle(hypervisor.setPermit(permitOf(2))))).toBe('domainBusy');
    expect(host.find(vm)?.live?.permit).toEqual(permitOf(1));
  });

  it('a VM whose process hangs ignores a shutdown, and a destroy of it takes ten seconds', async () => {
    const { time, host, hypervisor, start } = await bench();
    await time.settle(start(1));
    const domain = host.find(vm);
    if (domain !== undefined) domain.hung = true;
    expect(code(await time.settle(hypervisor.shutdown(vm)))).toBe('ambiguous');
    const began = time.nowMs;
    expect(code(await time.settle(hypervisor.destroy(vm)))).toBe('ok');
    expect(time.nowMs - began).toBe(10_001);
  });

  it('a guest that obeys a shutdown is off a while later', async () => {
    const { time, hypervisor, start, list } = await bench();
    await time.settle(start(1));
    expect(code(await time.settle(hypervisor.shutdown(vm)))).toBe('ok');
    expect(await list()).toMatchObject([{ active: true }]);
    await time.advance(3000);
    expect(await list()).toMatchObject([{ active: false, reason: 'shutdown' }]);
  });

  it('an agent that is dead hears nothing: answers come by its own timers', async () => {
    const { time, host } = await bench();
    let dead = false;
    const after = (delayMs: number, action: () => void) =>
      time.timers.after(delayMs, () => {
        if (!dead) action();
      });
    const env = { clock: time.clock, timers: { after } };
    const hypervisor = new SimHypervisor({ env, host });
    hypervisor.open();
    await time.until('it is connected', () => hypervisor.connected());
    let heard = 0;
    const hear = async (): Promise<void> => {
      await hypervisor.start(tinySpec('a'), permitOf(1));
      heard += 1;
    };
    void hear();
    await time.advance(100);
    dead = true;
    await time.advance(120_000);
    expect(heard).toBe(0);
    expect(host.writers()).toEqual([vm]);
  });
});
