import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadAgentConfig, saveAgentConfig } from '../../../src/cli/start/service-config.ts';
import { realEnv } from '../../../src/env/real/real-env.ts';
import { realLog } from '../../../src/env/real/log.ts';
import {
  hypervisors,
  migrations,
  nodeMaintenances,
  virtualMachines,
} from '../../../src/operator/crd/kinds.ts';
import { objectPath } from '../../../src/operator/kube/resource.ts';
import { vmNameOf } from '../../../src/operator/vm/vm-name.ts';
import { kennel } from '../../managers/manager-process.ts';
import { freePorts, type ControlPlane } from '../testing/control-plane.ts';
import { installCrds, judge, judgeKind } from './crd-rules.ts';

const program = join(import.meta.dirname, '..', '..', '..', 'bin', 'kennel.mjs');
const within = { timeout: 60_000, interval: 100 };

interface Vm {
  readonly name: string;
  readonly state: string;
  readonly id: string;
}

/** A real manager, a real agent whose VMs are sleeping processes, and `kennel operator run`. */
class Site {
  readonly directory = mkdtempSync(join(tmpdir(), 'kennel-operator-'));
  readonly #children: ChildProcess[] = [];
  #printed = '';
  #api = 0;

  async start(kubeconfig: string): Promise<void> {
    const [api = 0, session = 0, probe = 0] = await freePorts(3);
    this.#api = api;
    await this.kennel(
      `init --directory ${this.#manager} --name test --address 127.0.0.1 --api-port ${api} --session-port ${session}`,
    );
    this.#run('manager', 'run', '--directory', this.#manager);
    await vi.waitUntil(() => this.#printed.includes('"leading"'), within);
    await this.#join(probe);
    this.#run('agent', 'run', '--directory', this.#agent);
    this.#run('operator', 'run', '--kubeconfig', kubeconfig, '--without-lease');
  }

  async vms(): Promise<readonly Vm[]> {
    return JSON.parse(await this.kennel('vm ls -o json')) as readonly Vm[];
  }

  async kennel(line: string, input = ''): Promise<string> {
    const config = join(this.#manager, 'admin', 'admin.yaml');
    const { code, out, errors } = await kennel(line.split(' '), { config, input });
    if (code !== 0) throw new Error(`kennel ${line}: ${errors}`);
    return out;
  }

  get log(): string {
    return this.#printed.split('\n').slice(-30).join('\n');
  }

  async stop(): Promise<void> {
    for (const child of this.#children.toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  get #manager(): string {
    return join(this.directory, 'manager');
  }

  get #agent(): string {
    return join(this.directory, 'agent');
  }

  async #join(probePort: number): Promise<void> {
    const machineId = join(this.directory, 'machine-id');
    writeFileSync(machineId, '0123456789abcdef0123456789abcdef\n');
    const token = await this.kennel('node token --node node-1');
    await this.kennel(
      `agent join --token-stdin --node node-1 --address 127.0.0.1 --manager 127.0.0.1:${this.#api} --machine-id-file ${machineId} --directory ${this.#agent}`,
      token,
    );
    const { disk } = realEnv({ log: realLog({ level: 'silent' }) });
    const joined = await loadAgentConfig(disk, this.#agent);
    if (joined.kind === 'problem') throw new Error(joined.problem.because);
    await saveAgentConfig(disk, this.#agent, {
      ...joined.value,
      probePort,
      hypervisor: { kind: 'process', eventsFile: join(this.directory, 'events') },
    });
  }

  #run(...argv: readonly string[]): void {
    const config = join(this.#manager, 'admin', 'admin.yaml');
    const child = spawn(process.execPath, [program, ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: this.directory, KENNEL_CONFIG: config },
    });
    const note = (chunk: Buffer): void => {
      this.#printed += chunk.toString();
    };
    child.stdout.on('data', note);
    child.stderr.on('data', note);
    this.#children.push(child);
  }
}

export function operatorSuite(plane: () => ControlPlane): void {
  describe('the operator between a real server and a real manager', () => {
    let site: Site;
    const path = objectPath(virtualMachines, { namespace: 'default', name: 'db' });
    const name = vmNameOf('default', 'db');
    const shownAt = async (at: string) => {
      const answer = await plane().api.call({ method: 'GET', path: at });
      return answer.kind === 'answered' ? (answer.body as Shown) : null;
    };
    const object = () => shownAt(path);
    const phase = async (): Promise<string | undefined> => (await object())?.status?.phase;
    beforeAll(async () => {
      await installCrds(plane());
      site = new Site();
      await site.start(plane().kubeconfig);
    }, 180_000);
    afterAll(() => site.stop());

    const until = async (condition: () => Promise<boolean>): Promise<void> => {
      try {
        await vi.waitUntil(condition, within);
      } catch (error) {
        throw new Error(site.log, { cause: error });
      }
    };

    test('what is applied runs, under its uid, and its status says so', async () => {
      await judge(plane(), 'db', { memory: '16Mi' }, { keep: true });
      await until(async () => (await phase()) === 'Running');
      const shown = await object();
      const [vm] = (await site.vms()).filter((one) => one.name === name);
      expect(vm).toMatchObject({ state: 'running', id: shown?.metadata.uid });
      expect(shown?.status).toMatchObject({ hypervisor: 'node-1', token: 1, vm: name });
    });

    test('the hypervisor is shown', async () => {
      const shown = objectPath(hypervisors, { name: 'node-1' });
      await until(async () => (await shownAt(shown))?.status?.phase === 'Online');
      expect(site.log).not.toContain('"level":"error"');
    });

    test('with the server away nothing stops, and what happened is shown when it is back', async () => {
      await plane().killServer();
      await site.kennel(`vm stop ${name} --force -y`);
      await until(async () =>
        (await site.vms()).some((one) => one.name === name && one.state === 'stopped'),
      );
      await plane().startServer();
      await until(async () => (await phase()) === 'Stopped');
      expect((await object())?.status).toMatchObject({ token: 1 });
    });

    test('a Migration that has nowhere to go is Failed, and the VM stays', async () => {
      const spec = { vmName: 'db', targetHypervisor: 'node-1' };
      await judgeKind(plane(), migrations, { name: 'away', spec, keep: true });
      const away = objectPath(migrations, { namespace: 'default', name: 'away' });
      await until(async () => (await shownAt(away))?.status?.phase === 'Failed');
      expect((await shownAt(away))?.status).toMatchObject({ observedGeneration: 1 });
      expect(await phase()).toBe('Stopped');
      // Nothing is left to call off, so nothing holds it.
      await until(async () => ((await shownAt(away))?.metadata.finalizers ?? []).length === 0);
      await plane().api.call({ method: 'DELETE', path: away });
      await until(async () => (await shownAt(away)) === null);
    });

    test('what is deleted is gone when its domain is', async () => {
      await site.kennel(`vm start ${name}`);
      await until(async () => (await phase()) === 'Running');
      await plane().api.call({ method: 'DELETE', path });
      await until(async () => (await object()) === null);
      expect((await site.vms()).map((one) => one.name)).not.toContain(name);
    });

    test('a NodeMaintenance of the only hypervisor is refused, says why, and goes when it is deleted', async () => {
      const spec = { nodeName: 'node-1', reason: 'new memory', evictionTimeout: '1h' };
      await judgeKind(plane(), nodeMaintenances, { name: 'fix', spec, keep: true });
      const fix = objectPath(nodeMaintenances, { name: 'fix' });
      await until(async () => (await shownAt(fix))?.status?.phase === 'Failed');
      expect((await shownAt(fix))?.metadata.finalizers).toEqual(['kennel.dev/maintenance']);
      expect((await shownAt(fix))?.status?.lastError ?? '').toMatch(/: ./);
      await plane().api.call({ method: 'DELETE', path: fix });
      await until(async () => (await shownAt(fix)) === null);
    });
  });
}

interface Shown {
  readonly metadata: { readonly uid: string; readonly finalizers?: readonly string[] };
  readonly status?: { readonly phase?: string; readonly lastError?: string };
}
