import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAsk } from './messages.ts';
import { WatchdogProcess } from './watchdog-process.ts';

const vm = '11111111-1111-4111-8111-111111111111';
let directory: string;
let nowMs: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kennel-petter-'));
  nowMs = 1000;
  mkdirSync(join(directory, 'proc'));
  mkdirSync(join(directory, 'sys/watchdog0'), { recursive: true });
  writeFileSync(join(directory, 'watchdog0'), '');
  sysfs({ identity: 'i6300ESB timer', timeout: '5', nowayout: '1' });
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function sysfs(values: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(values)) {
    writeFileSync(join(directory, 'sys/watchdog0', name), `${value}\n`);
  }
}

const open = (): WatchdogProcess =>
  new WatchdogProcess({
    paths: {
      device: join(directory, 'watchdog0'),
      sysfs: join(directory, 'sys'),
      proc: join(directory, 'proc'),
    },
    fd: null,
    bootId: 'boot-1',
    timeoutMs: 5000,
    tokenFile: join(directory, 'token.json'),
    startingFile: join(directory, 'starting'),
    biteFile: join(directory, 'test.json'),
    nowMs: () => nowMs,
    kill: () => undefined,
  });

const pets = (): number => readFileSync(join(directory, 'watchdog0'), 'utf8').length;

const token = (over: object = {}) => ({
  ask: 'token' as const,
  token: {
    bootId: 'boot-1',
    incarnation: 'boot-1.a',
    deadlineMs: 7000,
    graceMs: 3000,
    vms: [vm],
    agentPid: 50,
    ...over,
  },
});

describe('the petter of a machine', () => {
  it('attests what the kernel says, and that no copy is held', () => {
    expect(open().answer({ ask: 'attest' })).toEqual({
      kind: 'attest',
      watchdog: {
        identity: 'i6300ESB timer',
        strength: 'strong',
        timeoutMs: 5000,
        measuredMs: null,
        nowayout: true,
        pretimeoutMs: 0,
        held: false,
      },
    });
  });

  it('N24: calls a timer of the kernel weak', () => {
    sysfs({ identity: 'Software Watchdog' });
    expect(open().answer({ ask: 'attest' })).toMatchObject({ watchdog: { strength: 'weak' } });
  });

  it('N25: refuses to arm a device of another timeout', () => {
    sysfs({ timeout: '10' });
    expect(open().refusal()).toContain('10000 ms, wanted is 5000 ms');
    expect(pets()).toBe(0);
  });

  it('takes no token and bites not while its holder still pets the device', () => {
    writeFileSync(join(directory, 'starting'), '');
    const petter = open();
    const because = expect.stringContaining('holder still pets');
    expect(petter.answer(token())).toMatchObject({ answer: { kind: 'refused', because } });
    expect(petter.answer({ ask: 'bite' })).toEqual({ kind: 'did', because });
    rmSync(join(directory, 'starting'));
    expect(petter.answer(token())).toMatchObject({ answer: { kind: 'taken' } });
  });

  it('keeps its token through its own end, and pets no more once the time is over', () => {
    open().answer(token());
    const next = open();
    next.tick();
    expect(pets()).toBe(1);
    nowMs = 10_000;
    // Something is left that has the arguments of the VM.
    mkdirSync(join(directory, 'proc/60'));
    writeFileSync(join(directory, 'proc/60/stat'), `60 (qemu-system-x86) D ${'0 '.repeat(40)}`);
    writeFileSync(join(directory, 'proc/60/cmdline'), `qemu\0-uuid\0${vm}\0`);
    next.tick();
    expect(pets()).toBe(1);
  });

  it('a petter that starts when the time is over does not open the device, which would arm it', () => {
    open().answer(token());
    rmSync(join(directory, 'watchdog0'));
    nowMs = 10_000;
    mkdirSync(join(directory, 'proc/60'));
    writeFileSync(join(directory, 'proc/60/stat'), `60 (qemu-system-x86) D ${'0 '.repeat(40)}`);
    writeFileSync(join(directory, 'proc/60/cmdline'), `qemu\0-uuid\0${vm}\0`);
    const next = open();
    next.tick();
    expect(() => pets()).toThrow(/ENOENT/);
  });

  it('is not stopped with nowayout, nor while VMs rest on it', () => {
    const petter = open();
    petter.answer(token());
    expect(petter.stop()).toContain('nowayout');
    sysfs({ nowayout: '0' });
    expect(petter.stop()).toBe('VMs rest on it');
    expect(petter.answer({ ask: 'drop' })).toEqual({ kind: 'drop', dropped: true });
    expect(petter.stop()).toBeNull();
  });

  it('lets itself be tested only when no VM rests on it, and takes no token meanwhile', () => {
    const petter = open();
    petter.answer(token());
    expect(petter.answer({ ask: 'bite' })).toEqual({ kind: 'did', because: '1 VMs rest on it' });
    petter.answer({ ask: 'drop' });
    expect(petter.answer({ ask: 'bite' })).toEqual({ kind: 'did', because: null });
    const before = pets();
    nowMs += 1000;
    petter.tick();
    expect(pets()).toBe(before);
    expect(petter.answer(token({ deadlineMs: 9000 }))).toMatchObject({
      answer: { kind: 'refused' },
    });
  });
});

describe('a line on the socket', () => {
  it.each([
    ['no JSON', '{'],
    ['no question', '{"ask":"open"}'],
    ['a token without a deadline', '{"ask":"token","token":{"bootId":"b","incarnation":"i"}}'],
    ['pid 1 as the agent', JSON.stringify(token({ agentPid: 1 }))],
    ['a VM that is no UUID', JSON.stringify(token({ vms: ['-uuid'] }))],
    ['a deadline that is no time', JSON.stringify(token({ deadlineMs: -1 }))],
  ])('is not read: %s', (_, line) => {
    expect(readAsk(line)).toBeNull();
  });

  it('is read: a token', () => {
    expect(readAsk(JSON.stringify(token()))).toEqual(token());
  });
});
