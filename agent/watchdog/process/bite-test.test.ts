import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BiteTests } from './bite-test.ts';

const device = { identity: 'i6300ESB timer', timeoutMs: 5000 };
let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kennel-bite-'));
  path = join(directory, 'test.json');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A test that leaves signs of life every 100 ms for so long, and then the machine is reset. */
function testFor(ms: number, stepMs = 100): void {
  const tests = new BiteTests(path, 'boot-1');
  tests.begin({ bootId: 'boot-1', ...device, lastPetMs: 1000 });
  for (let at = stepMs; at <= ms; at += stepMs) expect(tests.lives(1000 + at)).toBe(true);
}

describe('N25: a bite test', () => {
  it('shows the next boot what the device took, a sign of life too much rather than too little', () => {
    testFor(5000);
    expect(new BiteTests(path, 'boot-2').measuredMs(device)).toBe(5100);
    expect(new BiteTests(path, 'boot-3').measuredMs(device)).toBe(5100);
  });

  it('finds firmware that takes twice the time', () => {
    testFor(10_000);
    expect(new BiteTests(path, 'boot-2').measuredMs(device)).toBe(10_100);
  });

  it('adds what a slow disk may have hidden', () => {
    testFor(4800, 1200);
    expect(new BiteTests(path, 'boot-2').measuredMs(device)).toBe(6000);
  });

  it('is no measurement when something else reset the machine early', () => {
    testFor(2000);
    expect(new BiteTests(path, 'boot-2').measuredMs(device)).toBeNull();
  });

  it('ends by petting again when the device does not bite, and then nothing is measured', () => {
    testFor(15_000);
    const tests = new BiteTests(path, 'boot-1');
    tests.begin({ bootId: 'boot-1', ...device, lastPetMs: 1000 });
    expect(tests.lives(16_001)).toBe(false);
    expect(tests.isRunning).toBe(false);
    expect(new BiteTests(path, 'boot-2').measuredMs(device)).toBeNull();
  });

  it('says nothing of another device, nor of another timeout', () => {
    testFor(5000);
    const tests = new BiteTests(path, 'boot-2');
    expect(tests.measuredMs({ ...device, timeoutMs: 10_000 })).toBeNull();
    expect(tests.measuredMs({ ...device, identity: 'iTCO_wdt' })).toBeNull();
  });

  it('is over with the petter that made it: one that starts anew in the same boot pets', () => {
    testFor(1000);
    const tests = new BiteTests(path, 'boot-1');
    expect(tests.isRunning).toBe(false);
    expect(tests.measuredMs(device)).toBeNull();
  });
});
