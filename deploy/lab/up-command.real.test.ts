import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KennelCluster, kennelCommand } from './cluster/kennel-cluster.ts';
import { mustRun, runCommand } from './command.ts';
import { openLab, type Lab } from './lab.ts';
import { machineView, preflight } from './preflight.ts';

const missing = preflight(machineView()).map((piece) => piece.what);
const why = missing.length === 0 ? '' : ` (skipped: this machine lacks ${missing.join(', ')})`;

describe.skipIf(missing.length > 0)(`kennel lab up${why}`, () => {
  let directory: string;
  let lab: Lab;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'klu-'));
    lab = openLab({ directory });
  });
  afterEach(async () => {
    await lab.down();
    rmSync(directory, { recursive: true, force: true });
  });

  const kennelLab = (...argv: readonly string[]): Promise<string> =>
    mustRun([...kennelCommand, 'lab', '--dir', directory, ...argv], { timeoutMs: 120_000 });
  const kennel = (...argv: readonly string[]) =>
    runCommand([...kennelCommand, '--config', new KennelCluster(lab).configFile, ...argv]);

  test('brings a cluster that works; again it does nothing; it mends a manager and a node', async () => {
    const made = await kennelLab('up', '--nodes', '2', '--vms', '1');
    expect(made).toMatch(/^lab \S+ is up, in/m);
    expect(made).toContain(`export KENNEL_CONFIG=${new KennelCluster(lab).configFile}`);
    expect(await kennel('status')).toMatchObject({ code: 0 });
    expect((await kennel('vm', 'ls')).stdout).toMatch(/^vm-1 +running/m);

    const again = await kennelLab('up');
    expect(again).toMatch(/^lab \S+ is already up, in/);
    expect(await kennelLab('status')).toContain('kennel: manager running, 2 of 2 agents run');

    await lab.process('manager-1').kill();
    await lab.node(2).powerLoss();
    expect(await kennelLab('status')).toContain('kennel: manager dead, 1 of 2 agents run');
    expect(await kennelLab('up', '--vms', '2')).toMatch(/^lab \S+ is mended, in/m);
    expect((await kennel('vm', 'ls')).stdout).toMatch(/^vm-2 +running/m);

    await kennelLab('down');
    expect(existsSync(directory)).toBe(false);
  });

  test('without Kennel on request; a later up adds it', async () => {
    await kennelLab('up', '--bare', '--nodes', '1');
    expect(existsSync(new KennelCluster(lab).configFile)).toBe(false);
    expect(await kennelLab('status')).toContain('kennel: not on this lab');
    expect(await kennelLab('up', '--vms', '1')).toMatch(/^lab \S+ is mended, in/m);
    expect((await kennel('vm', 'ls')).stdout).toMatch(/^vm-1 +running/m);
  });

  test('one that is interrupted while Kennel is made removes what it made', async () => {
    const [node = '', ...program] = kennelCommand;
    const argv = [...program, 'lab', '--dir', directory, 'up', '--nodes', '1'];
    const child = spawn(node, argv, { stdio: ['ignore', 'pipe', 'ignore'] });
    for await (const chunk of child.stdout) {
      if (String(chunk).includes('kennel init')) break;
    }
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(1);
    expect(existsSync(directory)).toBe(false);
  });
});
