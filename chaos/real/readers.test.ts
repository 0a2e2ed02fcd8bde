import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { operationId, revision } from '../../src/core/model/ids.ts';
import { realEnv } from '../../src/env/real/real-env.ts';
import { realLog } from '../../src/env/real/log.ts';
import { createStore, openRaftStore } from '../../src/store/raft/open-raft-store.ts';
import { readAgentLine } from './agent-line.ts';
import { groundBetween, type Sample } from './ground.ts';
import { LogTail } from './log-tail.ts';
import { MemberLogs } from './member-logs.ts';

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'kennel-readers-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test('only whole lines are read from a log, each of them once', () => {
  const file = join(scratch(), 'log');
  const tail = new LogTail(file);
  expect(tail.read()).toEqual([]);
  writeFileSync(file, 'one\ntwo\nthr');
  expect(tail.read()).toEqual(['one', 'two']);
  appendFileSync(file, 'ee\n');
  expect(tail.read()).toEqual(['three']);
  expect(tail.read()).toEqual([]);
});

test('what an agent notes about a command is a result, anything else is nothing', () => {
  const line =
    '{"operation":"release/a/1","vm":"a","outcome":{"kind":"done"},"msg":"release ends"}';
  expect(readAgentLine('node-1', line)).toMatchObject([
    { from: 'node-1', body: { operation: 'release/a/1', outcome: { kind: 'done' } } },
  ]);
  expect(readAgentLine('node-1', '{"operation":"release/a/1","msg":"release begins"}')).toEqual([]);
  expect(readAgentLine('node-1', 'Warning: something')).toEqual([]);
});

test('the log of a store is followed over its segments, and refused transactions change nothing', async () => {
  const directory = join(scratch(), 'store');
  const env = realEnv({ log: realLog({ level: 'silent' }) });
  const clusterId = '0f3c7a52-6a53-4f0c-9d7e-3b8a5f1c2d4e';
  const member = { number: 1, name: 'manager-1', address: 'manager-1:7401' };
  await createStore({ env, directory, clusterId }, member);
  const store = await openRaftStore({
    env,
    directory,
    clusterId,
    listen: null,
    onFatal: (error) => expect.fail(error.message),
    limits: { segmentBytes: 2000, snapshotEntries: 15, reserveBytes: 4096 },
  });
  onTestFinished(() => store.close());
  const reader = new MemberLogs([directory], () => 0);
  const seen: string[] = [];
  for (let number = 1; number <= 60; number += 1) {
    const key = `key-${number % 7}`;
    const isRefused = number % 5 === 0;
    const at = revision(isRefused ? 999_999 : 0);
    await store.txn({
      operation: operationId(`op-${number}`),
      compare: [{ key: 'never', target: 'mod', revision: at }],
      then: [{ kind: 'put', key, value: String(number) }],
    });
    const commits = reader.read();
    expect(commits.flatMap(({ changes }) => changes)).toEqual(
      isRefused ? [] : [{ key, text: String(number) }],
    );
    seen.push(...commits.map((commit) => String(commit.revision)));
  }
  expect(seen).toEqual(Array.from({ length: 48 }, (_, index) => String(index + 1)));
  expect(reader.get('key-4')).toBe('53');
  expect(reader.list('key-')).toHaveLength(7);
});

test('what began or ended between two looks is not taken for so in between', () => {
  const domain = (process: string) => ({ node: 'node-1', vm: 'a', process, permit: null });
  const look = (atMs: number, boot: string | null, ...processes: string[]): Sample => ({
    atMs,
    boots: new Map([['node-1', boot]]),
    domains: processes.map(domain),
  });
  const ground = groundBetween(look(0, 'x', '1', '2'), look(40, 'x', '2', '3'), () => 7);
  expect(ground.liveOn('a')).toEqual([{ node: 'node-1', token: null, sinceMs: 7 }]);
  expect(ground.liveAt('node-1')).toHaveLength(1);
  expect(ground.boots.get('node-1')).toBe('x');
  expect(groundBetween(look(0, 'x'), look(40, 'y'), () => 0).boots.get('node-1')).toBeNull();
});
