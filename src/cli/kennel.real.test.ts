import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';

const program = fileURLToPath(new URL('../../bin/kennel.mjs', import.meta.url));

/** Asks for colour in every way there is: what goes into a pipe stays plain all the same. */
const noisy = { CI: 'true', FORCE_COLOR: '1', TERM: 'xterm-256color' };

interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly errors: string;
}

interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Everything it has printed so far. */
  readonly printed: () => string;
}

function start(node: string, file: string, argv: readonly string[], config = ''): Running {
  const child = spawn(node, [file, ...argv], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...noisy, PATH: process.env['PATH'], HOME: '/nonexistent', KENNEL_CONFIG: config },
  });
  const texts = { out: '', errors: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    texts.out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    texts.errors += chunk.toString();
  });
  const finished = new Promise<Finished>((resolve) => {
    child.once('close', (code) => resolve({ code, ...texts }));
  });
  return { child, finished, printed: () => texts.out + texts.errors };
}

async function run(node: string, file: string, line: string, config = ''): Promise<Finished> {
  const running = start(node, file, line.split(' '), config);
  running.child.stdin?.end();
  return running.finished;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  if (typeof address !== 'object' || address === null) throw new Error('no port was given');
  return address.port;
}

describe('the program against a manager of its own', () => {
  const directory = mkdtempSync(join(tmpdir(), 'kennel-cli-'));
  const data = join(directory, 'manager');
  const config = join(data, 'admin', 'admin.yaml');
  let manager: Running;

  const kennel = (line: string): Promise<Finished> => run(process.execPath, program, line, config);

  beforeAll(async () => {
    const [api, session] = [await freePort(), await freePort()];
    const made = await kennel(
      `init --directory ${data} --name prod --address 127.0.0.1 --api-port ${api} --session-port ${session}`,
    );
    if (made.code !== 0) throw new Error(made.errors);
    manager = start(process.execPath, program, ['manager', 'run', '--directory', data]);
    await vi.waitUntil(() => manager.printed().includes('"leading"'), { timeout: 30_000 });
  });
  afterAll(async () => {
    manager.child.kill('SIGKILL');
    await manager.finished;
    rmSync(directory, { recursive: true, force: true });
  });

  test('status of a new cluster is healthy and exits with 0', async () => {
    const { code, out } = await kennel('status');
    expect(code).toBe(0);
    expect(out).toMatch(/^cluster prod {2}healthy {2}managers 1\/1/);
  });

  test('a refusal of the cluster exits with 1, a mistyped line with 64', async () => {
    expect(await kennel('vm show nope')).toMatchObject({ code: 1, out: '' });
    expect(await kennel('vm shwo nope')).toMatchObject({ code: 64, out: '' });
  });

  test('a token goes to standard output alone, and not into what is logged', async () => {
    const { code, out, errors } = await kennel('node token --node node-1');
    expect(code).toBe(0);
    expect(out).toMatch(/^kjt1\.\S+\n$/);
    expect(errors).toContain('kennel agent join');
    expect(errors).not.toContain('kjt1');
  });

  test('a manager that is told to stop ends in order, and from then on status exits with 2', async () => {
    manager.child.kill('SIGTERM');
    expect(await manager.finished).toMatchObject({ code: 0 });
    const { code, errors } = await kennel('status');
    expect(code).toBe(2);
    expect(errors).toMatch(/^error\[E_UNAVAILABLE\]/);
  });
});

/** A Node.js on this machine that is too old for the project; null when there is none. */
function oldNode(): string | null {
  const places = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/usr/local/bin'];
  for (const place of places) {
    const candidate = join(place, 'node');
    if (!existsSync(candidate)) continue;
    const version = execFileSync(candidate, ['--version'], { encoding: 'utf8' });
    const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
    if (major >= 16 && (major < 22 || (major === 22 && minor < 19))) return candidate;
  }
  return null;
}

const old = oldNode();

describe.skipIf(old === null)('started with a Node.js that is too old (needs: one)', () => {
  const node = old ?? '';

  test('the one of the checkout takes over, with the same output and exit code', async () => {
    const { code, out } = await run(node, program, 'version -o json');
    expect(code).toBe(0);
    expect(Number(JSON.parse(out).node.split('.')[0])).toBeGreaterThanOrEqual(22);
    expect(await run(node, program, 'explain E_NOPE')).toMatchObject({ code: 1 });
    expect(await run(node, program, 'nonsense')).toMatchObject({ code: 64 });
  });

  /** `vm create -f -` reads standard input for as long as it is open. */
  async function waitingForInput(): Promise<{ running: Running; inner: number }> {
    const running = start(node, program, ['vm', 'create', '-f', '-']);
    onTestFinished(() => {
      running.child.kill('SIGKILL');
    });
    const inner = await childOf(running.child.pid ?? 0);
    return { running, inner };
  }

  test('SIGTERM reaches the process that works', async () => {
    const { running, inner } = await waitingForInput();
    running.child.kill('SIGTERM');
    expect((await running.finished).code).toBe(143);
    await expect.poll(() => isAlive(inner), { timeout: 10_000 }).toBe(false);
  });

  test('when the launcher is killed, the process that works ends too', async () => {
    const { running, inner } = await waitingForInput();
    running.child.kill('SIGKILL');
    await expect.poll(() => isAlive(inner), { timeout: 10_000 }).toBe(false);
  });

  test('without one in the checkout it says what to do', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kennel-bin-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    mkdirSync(join(directory, 'bin'));
    const copy = join(directory, 'bin', 'kennel.mjs');
    copyFileSync(program, copy);
    const { code, errors } = await run(node, copy, 'status');
    expect(code).toBe(1);
    expect(errors).toContain('error[E_PREREQUISITE]: this Node.js is too old for kennel');
    expect(errors).toContain('needed is 22.19 or newer');
  });
});

/** The process that the launcher started, once it runs. */
async function childOf(pid: number): Promise<number> {
  const children = (): number[] => {
    try {
      const listed = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], {
        encoding: 'utf8',
      });
      return listed
        .trim()
        .split(/\s+/)
        .filter((word) => word !== '')
        .map(Number);
    } catch {
      return [];
    }
  };
  await expect.poll(() => children().length, { timeout: 10_000 }).toBe(1);
  return children()[0] ?? 0;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
