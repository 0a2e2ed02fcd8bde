import { expect, test } from 'vitest';
import type { ProcessRequest, ProcessResult } from '../../src/env/processes.ts';
import { SimPrograms } from './processes.ts';
import { VirtualTime } from './virtual-time.ts';

const request: ProcessRequest = {
  file: '/usr/bin/ipmitool',
  arguments: [],
  input: '',
  environment: {},
  timeoutMs: 1000,
  maxOutputBytes: 10,
};

function programWithin(time: VirtualTime, takesMs: number, onEnd: () => void) {
  return {
    run: (): Promise<ProcessResult> =>
      new Promise((resolve) =>
        time.schedule(takesMs, () => {
          onEnd();
          resolve({ kind: 'exited', code: 0, stdout: '0123456789abc', stderr: 'ü'.repeat(9) });
        }),
      ),
  };
}

async function resultOf(
  takesMs: number,
  patch: Partial<ProcessRequest> = {},
): Promise<{ result: ProcessResult; atMs: number; ended: boolean }> {
  const time = new VirtualTime();
  const programs = new SimPrograms(time);
  let ended = false;
  programs.install(
    'ipmitool',
    programWithin(time, takesMs, () => {
      ended = true;
    }),
  );
  let atMs = -1;
  const running = programs.run({ ...request, ...patch }).then((result) => {
    atMs = time.nowMs;
    return result;
  });
  await time.run(10_000);
  return { result: await running, atMs, ended };
}

test('a program is found by its file name, and its output is cut at the bound', async () => {
  const { result, atMs } = await resultOf(20);
  expect(atMs).toBe(20);
  expect(result).toEqual({ kind: 'exited', code: 0, stdout: '0123456789', stderr: 'üüüüü' });
});

test('a program that does not exist did not start', async () => {
  const programs = new SimPrograms(new VirtualTime());
  expect(await programs.run(request)).toMatchObject({ kind: 'notStarted' });
});

test('B13: a program that hangs is killed at the deadline, and may act all the same', async () => {
  const { result, atMs, ended } = await resultOf(3000);
  expect(result).toMatchObject({ kind: 'killed', because: 'timeout' });
  expect(atMs).toBe(1000);
  expect(ended).toBe(true);
});

test('an abort kills the program at once', async () => {
  const time = new VirtualTime();
  const programs = new SimPrograms(time);
  programs.install(
    'ipmitool',
    programWithin(time, 500, () => {}),
  );
  const abort = new AbortController();
  time.schedule(100, () => abort.abort());
  let atMs = -1;
  const running = programs.run({ ...request, signal: abort.signal }).then((result) => {
    atMs = time.nowMs;
    return result;
  });
  await time.run(2000);
  expect(await running).toMatchObject({ kind: 'killed', because: 'aborted' });
  expect(atMs).toBe(100);
});
