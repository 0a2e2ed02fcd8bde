import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loopbackAddress } from '../../fencing/testing/bmc-rig.ts';
import { RedfishEmulator } from '../../fencing/testing/redfish-emulator.ts';
import { waitUntil } from '../../fencing/testing/wait-until.ts';
import { missingForLibvirtd, PrivateLibvirtd } from '../hypervisor/private-libvirtd.ts';

const program = fileURLToPath(new URL('../../bin/kennel.mjs', import.meta.url));

interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly errors: string;
}

const missing = missingForLibvirtd();

describe.skipIf(missing !== null)(
  `a real manager${missing === null ? '' : ` (${missing})`}`,
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'kennel-fencing-'));
    const data = join(directory, 'manager');
    const address = loopbackAddress();
    let manager: ChildProcess;
    let agent: ChildProcess;
    let libvirtd: PrivateLibvirtd;
    let bmc: RedfishEmulator;
    let log = '';

    function start(argv: readonly string[]): ChildProcess {
      return spawn(process.execPath, [program, ...argv], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env['PATH'],
          HOME: '/nonexistent',
          KENNEL_CONFIG: join(data, 'admin', 'admin.yaml'),
        },
      });
    }

    async function kennel(...argv: readonly string[]): Promise<Finished> {
      const child = start(argv);
      let out = '';
      let errors = '';
      child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
      const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
      return { code, out, errors };
    }

    beforeAll(async () => {
      [bmc, libvirtd] = await Promise.all([RedfishEmulator.start(), PrivateLibvirtd.start()]);
      const made = await kennel(
        'init',
        '--directory',
        data,
        '--name',
        'prod',
        '--address',
        address,
      );
      if (made.code !== 0) throw new Error(made.errors);
      manager = start(['manager', 'run', '--directory', data]);
      for (const stream of [manager.stdout, manager.stderr]) {
        stream?.on('data', (chunk: Buffer) => (log += chunk.toString()));
      }
      await waitUntil(() => log.includes('"leading"'), 30_000, 'the manager to lead');
      const token = await kennel('node', 'token', '--node', 'node-1');
      writeFileSync(join(directory, 'token'), token.out);
      const joined = await kennel(
        'agent',
        'join',
        '--directory',
        join(directory, 'agent'),
        '--node',
        'node-1',
        '--manager',
        `${address}:7400`,
        '--token-file',
        join(directory, 'token'),
        '--address',
        '10.9.9.1',
        '--libvirt-socket',
        libvirtd.socket,
      );
      if (joined.code !== 0) throw new Error(joined.errors);
      writeFileSync(join(directory, 'password'), bmc.user.password);
      agent = start(['agent', 'run', '--directory', join(directory, 'agent')]);
      for (const stream of [agent.stdout, agent.stderr])
        stream?.on('data', (chunk: Buffer) => (log += chunk.toString()));
    });

    afterAll(async () => {
      await Promise.all([manager, agent].map(end));
      await Promise.all([bmc.stop(), libvirtd.stop()]);
      rmSync(directory, { recursive: true, force: true });
    });

    async function end(child: ChildProcess): Promise<void> {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('close', resolve));
    }

    const device = (...more: readonly string[]): readonly string[] => [
      'fence',
      'add',
      'node-1/bmc',
      '--driver',
      'redfish',
      '--host',
      bmc.address,
      '--port',
      String(bmc.port),
      '--user',
      bmc.user.name,
      '--password-file',
      join(directory, 'password'),
      ...more,
    ];

    test('enrols a Redfish BMC and says what it learned', async () => {
      const { code, out, errors } = await kennel(...device());
      expect(errors).toBe('');
      expect(code).toBe(0);
      expect(out).toContain(`identity ${bmc.uuid}`);
      expect(out).toMatch(/learned certificate = [0-9a-f]{64}/);
      expect(out).toContain('CERTIFICATE_UNCHECKED');
      expect((await kennel('node', 'show', 'node-1')).out).toContain('redfish');
    });

    test('refuses a BMC that shows another certificate than the one that was given', async () => {
      const seen = bmc.credentialsSeen;
      const refused = await kennel(...device('--set', `certificate=${'a'.repeat(64)}`));
      expect(refused.code).toBe(1);
      expect(refused.errors).toContain('TLS_PIN');
      expect(bmc.credentialsSeen).toBe(seen);
    });

    test('refuses an agent that is not there, and a setting that the driver does not have', async () => {
      const line = ['fence', 'add', 'node-1/pdu', '--driver', 'fence-agent'];
      const absent = await kennel(...line, '--set', 'agent=fence_not_there');
      expect(absent.code).toBe(1);
      expect(absent.errors).toContain('TOOL_MISSING');
      const unknown = await kennel(...device('--set', 'colour=red'));
      expect(unknown.errors).toContain('colour: not a setting of this driver');
    });

    test('B5: fences the node through it: one reset, and a proof from readings after the transition', async () => {
      bmc.mode = 'delayed 1';
      await waitUntil(() => log.includes('NODE_ADMITTED'), 20_000, 'the node to be admitted');
      agent.kill('SIGKILL');
      const { code, out, errors } = await kennel(
        'node',
        'fence',
        'node-1',
        '--reason',
        'drill',
        '-y',
        '--wait',
        '--timeout',
        '40s',
      );
      expect(errors + out).toContain('proven dead');
      expect(code).toBe(0);
      expect(bmc.commands()).toEqual(['off']);
      expect(bmc.power).toBe('off');
    });

    test('keeps the password out of its log and of everything in its directory', () => {
      expect(log).not.toContain(bmc.user.password);
      const files = readdirSync(data, { recursive: true, withFileTypes: true });
      const texts = files
        .filter((file) => file.isFile())
        .map((file) => readFileSync(join(file.parentPath, file.name), 'latin1'));
      expect(texts.length).toBeGreaterThan(3);
      expect(texts.some((text) => text.includes(bmc.user.password))).toBe(false);
    });
  },
);
