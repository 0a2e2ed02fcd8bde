import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { kennel, ok } from '../testing/fake-world.ts';
import { healthyStatus, sampleFailover } from '../testing/sample-views.ts';
import { completionScript } from './script.ts';

const client = {
  nodes: async () => ok(healthyStatus.nodes),
  vms: async () => ok(healthyStatus.vms),
  failovers: async () => ok([sampleFailover]),
};

async function words(...typed: readonly string[]): Promise<readonly string[]> {
  const { code, out } = await kennel(['__complete', ...typed], { client });
  expect(code).toBe(0);
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t')[0] ?? '');
}

describe('what may stand at the cursor', () => {
  test.each<[readonly string[], readonly string[]]>([
    [['no'], ['node']],
    [
      ['vm', 's'],
      ['show', 'start', 'stop', 'screenshot', 'snapshot'],
    ],
    [
      ['vm', 'start', ''],
      ['db-1', 'mail', 'old'],
    ],
    [['vm', 'start', 'm'], ['mail']],
    [['vm', 'start', 'mail', ''], []],
    [['vm', 'stop', '--fo'], ['--force']],
    [['vm', 'stop', '--force', '--fo'], []],
    [
      ['-o', 'json', 'node', 'show', ''],
      ['node-1', 'node-2'],
    ],
    [
      ['status', '-o', ''],
      ['table', 'json', 'yaml', 'wide'],
    ],
    [['status', '--output=j'], ['--output=json']],
    [['status', '--output', '=', 'j'], ['json']],
    [['init', '--profile', 'f'], ['fast']],
    [['failover', 'show', ''], ['FO-1']],
    [['explain', 'E_FENCE_B'], ['E_FENCE_BLOCKED']],
    [['explain', 'db'], ['db-1']],
    [['node', 'token', '--ttl', ''], []],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['nonsense', 'x', ''], []],
    [
      ['fence', 'add', '--password'],
      ['--password-file', '--password-stdin'],
    ],
  ])('%j', async (typed, expected) => {
    expect(await words(...typed)).toEqual(expected);
  });

  test('files are left to the shell', async () => {
    expect(await words('vm', 'create', '-f', '')).toEqual([':files']);
    expect(await words('--config', '')).toEqual([':files']);
  });

  test('an option that may be repeated is offered again', async () => {
    expect(await words('vm', 'create', '--shared-path', '/a', '--sh')).toEqual(['--shared-path']);
  });

  test('an unreachable cluster offers nothing and says nothing', async () => {
    const result = await kennel(['__complete', 'vm', 'start', '']);
    expect(result).toMatchObject({ code: 0, out: '', errors: '' });
  });

  test('a cluster that hangs is not waited for', async () => {
    const hanging = { vms: () => new Promise<never>(() => {}) };
    const result = await kennel(['__complete', 'vm', 'start', ''], { client: hanging });
    expect(result).toMatchObject({ code: 0, out: '' });
  });
});

test('the scripts read as they are documented', async () => {
  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    await expect(completionScript(shell)).toMatchFileSnapshot(`golden/kennel.${shell}`);
    expect((await kennel(`completion ${shell}`)).out).toBe(completionScript(shell));
  }
});

/** Lets bash complete a line with a `kennel` that offers what it was asked with. */
function inBash(candidates: string, line: readonly string[]): readonly string[] {
  const script = [
    completionScript('bash'),
    // Only completion itself may call it.
    'compopt() { printf "files\\n"; }',
    `kennel() { [[ $1 == __complete ]] && printf '${candidates}'; }`,
    `COMP_WORDS=(kennel ${line.map((word) => `'${word}'`).join(' ')})`,
    `COMP_CWORD=${line.length}`,
    '_kennel kennel',
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ].join('\n');
  const out = execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8' });
  return out.split('\n').filter((word) => word !== '');
}

test('bash gets the words without their summaries', () => {
  expect(inBash('db-1\\tVM, running\\nmail\\t\\n', ['vm', 'start', ''])).toEqual(['db-1', 'mail']);
});

test('bash offers files where a file is meant', () => {
  expect(inBash(':files\\n', ['vm', 'create', '-f', ''])).toEqual(['files']);
});
