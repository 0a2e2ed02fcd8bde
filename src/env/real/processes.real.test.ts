import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ProcessRequest, ProcessResult } from '../processes.ts';
import { realProcesses } from './processes.ts';

const processes = realProcesses();

function sh(script: string, options: Partial<ProcessRequest> = {}): Promise<ProcessResult> {
  return processes.run({
    file: '/bin/sh',
    arguments: ['-c', script],
    input: '',
    environment: { PATH: '/usr/bin:/bin' },
    timeoutMs: 10_000,
    maxOutputBytes: 65_536,
    ...options,
  });
}

/** True while a process, not merely its exit status, exists under this id. */
function lives(pid: string): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Ids of the processes that have this text in their arguments. */
function withArgument(text: string): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(text);
    } catch {
      return false;
    }
  });
}

async function until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) return false;
    await delay(10);
  }
  return true;
}

describe.skipIf(!existsSync('/dev/shm'))('realProcesses (needs /dev/shm)', () => {
  it('returns exit code and both outputs', async () => {
    const result = await sh('echo out; echo err >&2; exit 3');
    expect(result).toEqual({ kind: 'exited', code: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  it('gives the input on stdin, also to a program that opens /dev/stdin by name', async () => {
    const direct = await sh('cat', { input: 'secret' });
    const byName = await sh('cat /dev/stdin', { input: 'secret' });
    expect(direct).toMatchObject({ kind: 'exited', stdout: 'secret' });
    expect(byName).toMatchObject({ kind: 'exited', stdout: 'secret' });
    expect(readdirSync('/dev/shm').filter((name) => name.startsWith('#'))).toEqual([]);
  });

  it('gives an input larger than a pipe holds, to a program that never reads it too', async () => {
    const input = 'x'.repeat(300_000);
    expect(await sh('wc -c', { input })).toMatchObject({ stdout: '300000\n' });
    expect(await sh('exit 0', { input })).toMatchObject({ kind: 'exited', code: 0 });
  });

  it('inherits nothing of the environment', async () => {
    const result = await sh('env', { environment: { PATH: '/usr/bin:/bin', ONLY: 'this' } });
    if (result.kind !== 'exited') throw new Error(result.kind);
    const names = result.stdout.split('\n').map((line) => line.split('=')[0]);
    // PWD, OLDPWD, SHLVL and _ are set by the shell itself.
    expect(
      names.filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_', ''].includes(name ?? '')),
    ).toEqual(expect.arrayContaining(['PATH', 'ONLY']));
    expect(result.stdout).not.toContain('HOME=');
  });

  it('passes arguments as they are, through no shell', async () => {
    const result = await processes.run({
      file: 'printf',
      arguments: ['%s|', '$HOME', '; rm -rf x', '`id`', '-n'],
      input: '',
      environment: { PATH: '/usr/bin:/bin' },
      timeoutMs: 5000,
      maxOutputBytes: 1000,
    });
    expect(result).toMatchObject({ stdout: '$HOME|; rm -rf x|`id`|-n|' });
  });

  it('cuts each output at its bound and lets the program finish', async () => {
    const result = await sh('head -c 2000000 /dev/zero | tr "\\0" x; echo y >&2; exit 7', {
      maxOutputBytes: 1000,
    });
    expect(result).toEqual({ kind: 'exited', code: 7, stdout: 'x'.repeat(1000), stderr: 'y\n' });
  });

  it('B13: a driver process that forks and ignores SIGTERM is gone as a group at the deadline', async () => {
    const started = performance.now();
    const result = await sh(
      'trap "" TERM; sh -c "trap \'\' TERM; echo \\$\\$; while :; do sleep 1; done" & echo $$; while :; do sleep 1; done',
      { timeoutMs: 400 },
    );
    const tookMs = performance.now() - started;
    expect(result).toMatchObject({ kind: 'killed', because: 'timeout' });
    expect(tookMs).toBeGreaterThanOrEqual(395);
    expect(tookMs).toBeLessThan(2400);
    if (result.kind !== 'killed') throw new Error(result.kind);
    const pids = result.stdout.trim().split('\n');
    expect(pids).toHaveLength(2);
    expect(await until(() => pids.every((pid) => !lives(pid)), 2000)).toBe(true);
  });

  it('B13: what a program leaves behind in its group is gone when the program ends', async () => {
    const result = await sh('sleep 60 & echo $!; exit 0', { timeoutMs: 5000 });
    expect(result).toMatchObject({ kind: 'exited', code: 0 });
    if (result.kind !== 'exited') throw new Error(result.kind);
    const pid = result.stdout.trim();
    expect(await until(() => !lives(pid), 2000)).toBe(true);
  });

  it('B13: answers at the deadline even when a stranger holds the output open', async () => {
    const started = performance.now();
    const result = await sh('setsid sleep 3 & sleep 0.1; exit 0', { timeoutMs: 5000 });
    expect(result).toMatchObject({ kind: 'exited', code: 0 });
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('kills the group at once when the signal aborts', async () => {
    const abort = new AbortController();
    const marker = `marker-${randomUUID()}`;
    const running = sh(`sleep 60 & wait; : ${marker}`, { signal: abort.signal, timeoutMs: 20_000 });
    expect(await until(() => withArgument(marker).length > 0, 5000)).toBe(true);
    abort.abort();
    expect(await running).toMatchObject({ kind: 'killed', because: 'aborted' });
    expect(await until(() => withArgument(marker).length === 0, 2000)).toBe(true);
  });

  it('starts nothing when the signal has aborted before', async () => {
    const result = await sh('echo ran', { signal: AbortSignal.abort() });
    expect(result).toEqual({ kind: 'notStarted', because: 'aborted' });
  });

  it('tells a death by a foreign signal from its own kill', async () => {
    expect(await sh('kill -KILL $$')).toMatchObject({ kind: 'killed', because: 'signal' });
  });

  it('reports a program that does not exist as not started', async () => {
    const result = await sh('', { file: 'kennel-no-such-program' });
    expect(result).toEqual({ kind: 'notStarted', because: expect.stringContaining('ENOENT') });
  });

  it('reports an argument that no program can take as not started', async () => {
    expect((await sh('', { arguments: ['a\0b'] })).kind).toBe('notStarted');
  });
});
