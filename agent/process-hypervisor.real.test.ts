import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../test/hypervisor/private-libvirtd.ts';
import { realTimeEnv } from '../test/hypervisor/test-env.ts';
import { tinySpec } from '../test/hypervisor/tiny-vm.ts';
import { incarnationId, nodeId, token, vmId } from '../src/core/model/ids.ts';
import type { Permit } from '../src/core/model/permit.ts';
import type { HypervisorDomain } from './hypervisor.ts';
import { ProcessHypervisor } from './process-hypervisor.ts';

const vm = vmId('00112233-4455-4677-8899-000000000001');
const permitOf = (number: number): Permit => ({
  vm,
  node: nodeId('node-1'),
  incarnation: incarnationId('boot.1'),
  token: token(number),
});

describe('VMs that are processes', () => {
  let directory = '';
  let hypervisor: ProcessHypervisor;
  const eventsFile = (): string => join(directory, 'events');
  const connect = (): ProcessHypervisor => {
    const made = new ProcessHypervisor({
      env: realTimeEnv(),
      directory: join(directory, 'vms'),
      eventsFile: eventsFile(),
      node: nodeId('node-1'),
    });
    made.open();
    return made;
  };
  const list = async (): Promise<readonly HypervisorDomain[]> => {
    const result = await hypervisor.list();
    return result.kind === 'ok' ? result.value : [];
  };
  const events = (): string[] => {
    try {
      return readFileSync(eventsFile(), 'utf8').split('\n').slice(0, -1);
    } catch {
      return [];
    }
  };
  const pid = (): number => {
    const kept = JSON.parse(readFileSync(join(directory, 'vms', `${vm}.json`), 'utf8')) as {
      process: { pid: number };
    };
    return kept.process.pid;
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'klp-'));
    hypervisor = connect();
  });
  afterEach(async () => {
    await hypervisor.destroy(vm);
    rmSync(directory, { recursive: true, force: true });
  });

  it('start and destroy leave a line each, with epoch seconds, name and node', async () => {
    const before = Date.now() / 1000;
    expect((await hypervisor.start(tinySpec('vm1'), permitOf(1))).kind).toBe('ok');
    expect(await list()).toMatchObject([
      { vm, name: 'vm1', active: true, state: 'running', permit: permitOf(1) },
    ]);
    await until('the start is written', 5000, () => events().length === 1);
    expect((await hypervisor.destroy(vm)).kind).toBe('ok');
    expect(events()).toHaveLength(2);
    expect(await list()).toMatchObject([{ active: false, state: 'shutOff', reason: 'destroyed' }]);
    const [started = '', stopped = ''] = events();
    expect(started).toMatch(/^\d+\.\d{6} START vm1 node-1$/);
    expect(stopped).toMatch(/^\d+\.\d{6} STOP vm1 node-1$/);
    expect(Number(started.split(' ')[0])).toBeGreaterThan(before - 1);
    expect(Number(started.split(' ')[0])).toBeLessThanOrEqual(Number(stopped.split(' ')[0]));
  });

  it('N9: a new agent finds the running process and its permit, and starts no second one', async () => {
    await hypervisor.start(tinySpec('vm1'), permitOf(1));
    await until('the start is written', 5000, () => events().length === 1);
    const before = pid();
    hypervisor = connect();
    expect(await list()).toMatchObject([{ active: true, permit: permitOf(1) }]);
    expect((await hypervisor.start(tinySpec('vm1'), permitOf(1))).kind).toBe('ok');
    expect(await hypervisor.start(tinySpec('vm1'), permitOf(2))).toMatchObject({
      code: 'activeWithOtherPermit',
    });
    expect((await hypervisor.setPermit(permitOf(3))).kind).toBe('ok');
    expect(await list()).toMatchObject([{ active: true, permit: permitOf(3) }]);
    expect(pid()).toBe(before);
  });

  it('V1: a process that dies is seen as a crash, and can be started again', async () => {
    await hypervisor.start(tinySpec('vm1'), permitOf(1));
    await until('the start is written', 5000, () => events().length === 1);
    process.kill(pid(), 'SIGKILL');
    await until('it is off', 5000, async () => (await list())[0]?.active === false);
    expect(await list()).toMatchObject([{ state: 'shutOff', reason: 'crashed' }]);
    expect((await hypervisor.start(tinySpec('vm1'), permitOf(2))).kind).toBe('ok');
    expect(await list()).toMatchObject([{ active: true, permit: permitOf(2) }]);
  });

  it('an active process is not forgotten, an inactive one is', async () => {
    await hypervisor.start(tinySpec('vm1'), permitOf(1));
    expect(await hypervisor.undefine(vm)).toMatchObject({ code: 'domainActive' });
    await hypervisor.destroy(vm);
    expect((await hypervisor.undefine(vm)).kind).toBe('ok');
    expect(await list()).toEqual([]);
    expect(await hypervisor.shutdown(vm)).toMatchObject({ code: 'notActive' });
    expect(await hypervisor.setPermit(permitOf(1))).toMatchObject({ code: 'noDomain' });
  });
});
