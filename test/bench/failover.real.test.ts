import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toolPath } from '../../deploy/lab/tool-path.ts';
import { runFailoverBench } from './failover-bench.ts';
import { parseFailoverOptions } from './failover-options.ts';

const tools = ['ip', 'nsenter', 'unshare', 'bash'];
const missing = tools.filter(
  (tool) =>
    !toolPath()
      .split(':')
      .some((directory) => existsSync(join(directory, tool))),
);
const canRun = process.getuid?.() === 0 && missing.length === 0;

/** Command lines of processes that mention a path. */
function processesOf(path: string): readonly string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return /^\d+$/.test(pid) && words.includes(path) ? [words] : [];
    } catch {
      return [];
    }
  });
}

describe.skipIf(!canRun)('bench:failover (needs root, iproute2 and util-linux)', () => {
  let directory: string;
  const hooks = (signal: AbortSignal) => ({
    signal,
    say: () => undefined,
    onRun: () => undefined,
  });

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kennel-bench-test-'));
  });

  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  test('a node that is cut off is fenced by its BMC, its VMs start elsewhere, twice', async () => {
    const options = parseFailoverOptions([
      '--vms',
      '2',
      '--runs',
      '2',
      '--profile',
      'fast',
      '--settle',
      '300',
      '--crash',
      'cut',
      '--bmc-delay',
      '50',
      '--directory',
      directory,
    ]);
    const runs = await runFailoverBench(options, hooks(new AbortController().signal));
    expect(runs).toHaveLength(2);
    for (const run of runs) {
      expect(run).toMatchObject({ started: 2, proof: 'powerOff', settle_ms: 300 });
      const { membership, fence_decided, bmc_req, bmc_off, fence_done, first } = run;
      const order = [membership, fence_decided, bmc_req, bmc_off, fence_done, first];
      expect(order).not.toContain(null);
      expect(order).toEqual([...order].sort((a, b) => Number(a) - Number(b)));
      expect(Number(bmc_off) - Number(bmc_req)).toBeGreaterThanOrEqual(0.045);
    }
    expect(readdirSync(directory)).toEqual([]);
    expect(processesOf(directory)).toEqual([]);
  });

  test('an interrupted bench leaves nothing', async () => {
    const controller = new AbortController();
    const options = parseFailoverOptions(['--directory', directory]);
    const running = runFailoverBench(options, {
      ...hooks(controller.signal),
      say: (line) => {
        if (line.includes('manager leads')) controller.abort(new Error('interrupted'));
      },
    });
    await expect(running).rejects.toThrow('interrupted');
    expect(readdirSync(directory)).toEqual([]);
    expect(processesOf(directory)).toEqual([]);
  });
});
