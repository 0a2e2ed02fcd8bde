import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LabError } from './lab-error.ts';
import { allowService, serviceNames, serviceState, writeService } from './node-services.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kennel-services-'));
  mkdirSync(join(directory, 'services'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

test('words and environment reach the program as they were given', () => {
  const words = [`it's`, '$HOME', '', 'a b', '`x`\n'];
  const argv = ['printf', '[%s]', ...words];
  writeService(directory, { name: 'agent', argv, env: { LC_ALL: 'C' } });
  const out = execFileSync('/bin/sh', [join(directory, 'services', 'agent.run')]);
  expect(out.toString()).toBe(words.map((word) => `[${word}]`).join(''));

  const env = { GREETING: `it's "so"` };
  writeService(directory, { name: 'agent', argv: ['printenv', 'GREETING'], env });
  const greeting = execFileSync('/bin/sh', [join(directory, 'services', 'agent.run')]);
  expect(greeting.toString()).toBe(`it's "so"\n`);
});

test('a service that does not run has ended until it is switched off', () => {
  writeService(directory, { name: 'agent', argv: ['true'], env: {} });
  expect(serviceNames(directory)).toEqual(['agent']);
  expect(serviceState(directory, '/nowhere', 'agent')).toBe('ended');
  allowService(directory, 'agent', false);
  expect(serviceState(directory, '/nowhere', 'agent')).toBe('off');
  allowService(directory, 'agent', true);
  expect(serviceState(directory, '/nowhere', 'agent')).toBe('ended');
});

test('a name that could leave the directory is refused', () => {
  const service = { name: '../agent', argv: ['true'], env: {} };
  expect(() => writeService(directory, service)).toThrow(LabError);
});
