import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PetterToken } from '../petter-core.ts';
import { NodeProcesses } from './node-processes.ts';

const vm = '11111111-1111-4111-8111-111111111111';
const token: PetterToken = {
  bootId: 'boot-1',
  incarnation: 'boot-1.a',
  deadlineMs: 10_000,
  graceMs: 3000,
  vms: [vm],
  agentPid: 50,
};

let proc: string;
let killed: number[];
let nowMs: number;
let processes: NodeProcesses;

beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), 'kennel-proc-'));
  killed = [];
  nowMs = 10_100;
  processes = new NodeProcesses({ proc, nowMs: () => nowMs, kill: (pid) => killed.push(pid) });
});

afterEach(() => rmSync(proc, { recursive: true, force: true }));

interface Fake {
  readonly comm: string;
  readonly args?: readonly string[];
  readonly state?: string;
  readonly threads?: number;
  readonly startedMs?: number;
}

function put(pid: number, { comm, args = [], state = 'S', threads = 1, startedMs = 1000 }: Fake) {
  const fields = Array.from({ length: 40 }, () => '0');
  fields[0] = state;
  fields[17] = String(threads);
  fields[19] = String(startedMs / 10);
  mkdirSync(join(proc, String(pid)), { recursive: true });
  writeFileSync(join(proc, String(pid), 'stat'), `${pid} (${comm}) ${fields.join(' ')}`);
  writeFileSync(join(proc, String(pid), 'cmdline'), args.map((each) => `${each}\0`).join(''));
}

const look = (agentStartedMs: number | null = 1000) => processes.look(token, agentStartedMs);

describe('at the end of a lease', () => {
  it('the QEMU of a VM of the token is killed, by its arguments, and no other', () => {
    put(10, { comm: 'qemu-system-x86', args: ['/usr/bin/qemu', '-name', 'a', '-uuid', vm] });
    put(11, { comm: 'qemu-system-x86', args: ['/usr/bin/qemu', '-uuid', vm.replace('1', '9')] });
    expect(look().alive).toBe(1);
    expect(killed).toEqual([10]);
  });

  it('a name with brackets and blanks in it hides nothing', () => {
    put(10, { comm: 'a) Z (b', args: ['x', '-uuid', vm] });
    expect(look().alive).toBe(1);
  });

  it('a QEMU that ends and cannot be told apart counts until it is gone', () => {
    put(10, { comm: 'qemu-system-x86', state: 'D' });
    put(11, { comm: 'qemu-system-x86', state: 'Z', threads: 3 });
    expect(look().alive).toBe(2);
    put(10, { comm: 'qemu-system-x86', state: 'Z' });
    put(11, { comm: 'qemu-system-x86', state: 'Z' });
    expect(look().alive).toBe(0);
  });

  it('the agent is killed, and not another process that got its number', () => {
    put(50, { comm: 'node', startedMs: 1000 });
    expect(look(2000).alive).toBe(0);
    expect(look(1000).alive).toBe(1);
    expect(killed).toEqual([50]);
  });

  it('libvirt as it was when the killing began is killed, and the next one is let be', () => {
    put(20, { comm: 'libvirtd', startedMs: 500 });
    expect(look().alive).toBe(1);
    rmSync(join(proc, '20'), { recursive: true });
    put(21, { comm: 'libvirtd', startedMs: 10_600 });
    nowMs = 10_700;
    expect(look().alive).toBe(0);
    expect(killed).toEqual([20]);
  });
});
