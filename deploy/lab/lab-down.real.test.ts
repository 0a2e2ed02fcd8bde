import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { controlGroupMount } from './control-group.ts';
import { openLab } from './lab.ts';
import type { Lab } from './lab.ts';
import { machineView, preflight } from './preflight.ts';
import { waitUntil } from './wait-until.ts';

const missing = preflight(machineView()).map((piece) => piece.what);

const why = missing.length === 0 ? '' : ` (skipped: this machine lacks ${missing.join(', ')})`;

describe.skipIf(missing.length > 0)(`taking a lab down${why}`, () => {
  let directory: string;
  let lab: Lab;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kld-'));
    lab = openLab({ directory });
  });
  afterEach(async () => {
    await lab.down();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Everything on this machine that bears the lab's name: it is compared with nothing. */
  function leftovers(): readonly string[] {
    const { id } = lab.layout;
    const ours = (text: string): boolean => text.includes(id) || text.includes(directory);
    const read = (path: string): string => {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return '';
      }
    };
    const processes = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .filter((pid) => ours(read(`/proc/${pid}/cmdline`)) || ours(read(`/proc/${pid}/cgroup`)))
      .map((pid) => `process ${pid} ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`);
    const namespaces = existsSync('/run/netns') ? readdirSync('/run/netns').filter(ours) : [];
    const groups = readdirSync(controlGroupMount() ?? '/nowhere').filter(ours);
    const mounts = read('/proc/self/mounts').split('\n').filter(ours);
    const files = existsSync(directory) ? readdirSync(directory) : [];
    return [...processes, ...namespaces, ...groups, ...mounts, ...files];
  }

  /** Dead processes are still listed until their parent has taken note: waits for that. */
  async function nothingIsLeft(): Promise<void> {
    const gone = (): boolean => leftovers().length === 0;
    await waitUntil('nothing is left', gone, { timeoutMs: 10_000 }).catch(() => null);
    expect(leftovers()).toEqual([]);
  }

  /** `kennel lab up` in a process of its own. */
  function startUp(): ChildProcess & { readonly stdout: NodeJS.ReadableStream } {
    const module = join(import.meta.dirname, 'commands.ts');
    const script = `import { labCommand } from ${JSON.stringify(module)};
      await labCommand().parseAsync(process.argv.slice(1), { from: 'user' });`;
    const words = ['--dir', directory, 'up', '--bare', '--nodes', '2', '--disks', '2'];
    const node = ['--input-type=module', '-e', script, '--', ...words];
    return spawn(process.execPath, node, { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  async function untilItSays(child: ReturnType<typeof startUp>, word: string): Promise<void> {
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const spoken = (): boolean => said.includes(word);
    await waitUntil(`up says '${word}'`, spoken, { timeoutMs: 30_000, everyMs: 1 });
  }

  const stages = ['fabric', 'manager-1', 'disks', 'BMC', 'libvirtd'];

  test.each(stages)(
    'an up that was killed after it said "%s" leaves nothing behind',
    async (word) => {
      const child = startUp();
      await untilItSays(child, word);
      child.kill('SIGKILL');
      expect(existsSync(join(directory, 'lab.json'))).toBe(true);
      expect(await lab.down()).toMatchObject({ kind: 'down' });
      await nothingIsLeft();
      expect(await lab.down()).toEqual({ kind: 'alreadyDown' });
    },
  );

  test('an up that was killed as soon as its record existed leaves nothing behind', async () => {
    const child = startUp();
    const recorded = (): boolean => existsSync(join(directory, 'lab.json'));
    await waitUntil('lab.json exists', recorded, { timeoutMs: 30_000, everyMs: 1 });
    child.kill('SIGKILL');
    expect(await lab.down()).toMatchObject({ kind: 'down' });
    await nothingIsLeft();
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'an up that gets %s removes what it made',
    async (signal) => {
      const child = startUp();
      await untilItSays(child, 'disks');
      child.kill(signal);
      const [code] = (await once(child, 'exit')) as [number | null];
      expect(code).toBe(1);
      await nothingIsLeft();
    },
  );

  test('an up that was killed can be finished by another', async () => {
    const child = startUp();
    await untilItSays(child, 'disks');
    child.kill('SIGKILL');
    expect(await lab.up({ nodes: 2 })).toMatchObject({ kind: 'repaired' });
    expect(lab.status().nodes.map((node) => node.power)).toEqual(['on', 'on']);
    expect(lab.status().processes.map((process) => process.state)).toEqual([
      'running',
      'running',
      'running',
    ]);
    await lab.down();
    await nothingIsLeft();
  });

  test('a lab with frozen nodes, and one whose record is damaged, can be taken down', async () => {
    await lab.up({ nodes: 1 });
    await lab.node(1).freeze();
    writeFileSync(join(directory, 'lab.json'), '{');
    expect(await openLab({ directory }).down()).toMatchObject({ kind: 'down' });
    await nothingIsLeft();
  });

  test('up mends a dead BMC, a dead storage server and a node without power', async () => {
    await lab.up({ nodes: 1, disks: 1 });
    const before = lab.node(1).bootId();
    await lab.process('storage').kill();
    await lab.process('bmc-1').kill();
    await lab.node(1).powerLoss();
    expect(await lab.up()).toMatchObject({ kind: 'repaired' });
    expect(lab.status().processes.map((process) => process.state)).toEqual(['running', 'running']);
    expect(lab.node(1).power()).toBe('on');
    expect(lab.node(1).bootId()).not.toBe(before);
  });

  test('a directory with files of somebody else is refused and left alone', async () => {
    writeFileSync(join(directory, 'diary.txt'), 'dear');
    await expect(lab.up({ nodes: 1 })).rejects.toThrow(/not of a lab/);
    await lab.down();
    expect(leftovers()).toEqual(['diary.txt']);
  });
});
