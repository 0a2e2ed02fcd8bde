import { cpSync, existsSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { kennelCommand, tinyVmSpec, valueOf } from '../../deploy/lab/cluster/kennel-cluster.ts';
import { mustRun, runCommand, type CommandResult } from '../../deploy/lab/command.ts';
import { heartbeatVm, startHeartbeatVm } from '../../deploy/lab/heartbeat-vm.ts';
import { groupProcesses } from '../../deploy/lab/control-group.ts';
import type { LabNode } from '../../deploy/lab/node-machine.ts';
import { identify, signalProcess } from '../../deploy/lab/process-identity.ts';
import { virsh } from '../../deploy/lab/virsh.ts';
import { waitUntil } from '../../deploy/lab/wait-until.ts';
import { noLab, refusal, WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';

const names = ['disk-1', 'disk-2'];
/** A VM whose disk does not exist; `restore` does not wait for it. */
const hopeless = 'no-disk';
const limits = { timeoutMs: 30_000, everyMs: 100 };

describe.skipIf(noLab.skip)(`operating a real cluster${noLab.why}`, () => {
  let site: WatchedCluster;

  beforeAll(async () => {
    site = await WatchedCluster.up({ vms: names.length, diskMiB: 40, hopeless: [hopeless] });
    const [disk] = site.lab.disks();
    if (disk === undefined) throw new Error('no disk');
    const spec = tinyVmSpec({ ...disk, name: hopeless });
    const source = { ...disk.source, export: 'no-such-export' };
    const disks = [{ source, format: 'raw', bus: 'virtio', readOnly: false } as const];
    valueOf(
      await site.client.createVm({
        id: null,
        desired: 'running',
        node: null,
        spec: { ...spec, disks, limits: { restarts: 1, relocations: 1 } },
      }),
    );
  });
  afterEach(async () => site.restore());
  afterAll(async () => site.down());

  /** Runs `kennel …` and expects this exit code. */
  async function kennel(line: string, code = 0, input = ''): Promise<CommandResult> {
    const result = await site.cluster.kennel(line.split(' '), { input, timeoutMs: 90_000 });
    if (result.code !== code) {
      throw new Error(`kennel ${line}: code ${result.code}, ${result.stdout}${result.stderr}`);
    }
    return result;
  }

  function scratch(name: string): string {
    const path = join(site.lab.layout.directory, 'kennel', name);
    onTestFinished(() => rmSync(path, { recursive: true, force: true }));
    return path;
  }

  test('a VM lives its whole life on the command line', async () => {
    const [disk] = await site.lab.addDisks(['web']);
    if (disk === undefined) throw new Error('no disk');
    await site.watch([disk]);
    const { host, port } = disk.source;
    const vm = (name: string): string =>
      `name: ${name}\ncpus: 1\nmemory: 2MiB\nmachine: pc\nemulated: true\ndisks:\n  - nbd: { host: ${host}, port: ${port}, export: web }\n`;
    const file = scratch('web.yaml');
    writeFileSync(file, vm('web'));
    const planned = await kennel(`vm create -f ${file} --dry-run`);
    expect(planned.stdout).toMatch(/^vm web: would be created/);
    const created = await kennel(`vm create -f ${file} --wait`);
    expect(created.stdout).toMatch(/^vm web: created \(.*\)\nvm web: running$/);
    await site.beating(['web']);
    const boots = site.boots('web');

    const twin = await kennel('vm create -f -', 1, vm('twin'));
    expect(twin.stderr).toMatch(/^error\[E_DISK_TAKEN\]: VM twin is refused/);

    const shown = JSON.parse((await kennel('vm show web -o json')).stdout);
    expect(shown).toMatchObject({ name: 'web', state: 'running', isProtected: true });
    expect((await kennel('vm ls')).stdout).toMatch(/^web +running +node-\d/m);

    expect((await kennel('vm stop web --wait')).stdout).toMatch(/vm web: stopped$/);
    expect((await site.copies()).get('web')).toEqual([]);
    expect((await kennel('vm start web --wait')).stdout).toMatch(/vm web: running$/);
    await waitUntil('it booted', () => site.boots('web') === boots + 1, limits);
    const unsure = await kennel('vm stop web --force', 64);
    expect(unsure.stderr).toContain('-y');
    expect((await kennel('vm stop web --force -y --wait')).stdout).toMatch(/vm web: stopped$/);
    expect((await kennel('vm delete web -y --wait')).stdout).toMatch(/vm web: gone$/);
    expect((await kennel('vm show web', 1)).stderr).toMatch(/^error\[E_NOT_FOUND\]/);
    expect(site.boots('web')).toBe(boots + 1);
  });

  test('a domain that was started by hand is adopted without being touched, and is a VM from then on', async () => {
    const [disk] = await site.lab.addDisks(['found']);
    if (disk === undefined) throw new Error('no disk');
    await site.watch([disk]);
    const domain = heartbeatVm(disk);
    expect(await startHeartbeatVm(site.lab.node(2), domain)).toMatchObject({ code: 0 });
    await site.beating(['found']);
    const boots = site.boots('found');
    await waitUntil(
      'its agent reports it',
      async () =>
        (await site.cluster.kennel(['vm', 'adopt', 'node-2', domain.name, '--wait'])).code === 0,
      limits,
    );
    await site.healthy();
    expect(await site.vm(domain.name)).toMatchObject({ id: domain.uuid, node: 'node-2' });
    await site.beating(['found']);
    expect(site.boots('found')).toBe(boots);

    await kennel(`vm stop ${domain.name} --force -y --wait`);
    await kennel(`vm start ${domain.name} --wait`);
    await waitUntil('it booted', () => site.boots('found') === boots + 1, limits);
    await kennel(`vm delete ${domain.name} -y --wait`);
  });

  test('a running VM is migrated to another node and back; its guest is not started anew', async () => {
    const before = await site.vm('disk-1');
    const from = before.node ?? '';
    const to = from === 'node-1' ? 'node-2' : 'node-1';
    await site.beating(['disk-1']);
    const boots = site.boots('disk-1');
    for (const [here, there] of [
      [from, to],
      [to, from],
    ] as const) {
      await kennel(`vm migrate disk-1 --to ${there} --wait`);
      expect(await site.vm('disk-1')).toMatchObject({ state: 'running', node: there, move: null });
      await site.beating(['disk-1']);
      const { libvirtSocket } = site.lab.node(Number(here.slice('node-'.length)));
      const known = async (): Promise<string> =>
        (await virsh(libvirtSocket, ['list', '--all', '--name'])).stdout;
      await waitUntil(`${here} forgot it`, async () => !(await known()).includes('disk-1'), limits);
    }
    expect(site.boots('disk-1')).toBe(boots);
  });

  test('V1: a VM whose QEMU was killed starts again on its node', async () => {
    const { machine, vms } = await site.busiest();
    const [vm = ''] = vms;
    const [boots, before] = [site.boots(vm), await site.vm(vm)];
    expect(killQemu(machine, vm)).toBe(true);
    await waitUntil('it booted', () => site.boots(vm) === boots + 1, limits);
    await site.healthy();
    const after = await site.vm(vm);
    expect(after.permit).toEqual({
      ...before.permit,
      token: (before.permit?.token ?? 0) + 1,
    });
  });

  test('V15: a second domain of a VM, started by hand on another node, is an alarm and stopped within 5 s', async () => {
    const [vm, mark] = [await site.vm('disk-1'), await site.now()];
    const owner = site.machine(vm.node ?? '');
    const other = site.lab.node((owner.number % 3) + 1);
    const boots = site.boots(vm.name);
    const { stdout } = await virsh(owner.libvirtSocket, ['dumpxml', vm.name, '--inactive']);
    // Without its disk: nothing keeps two guests off one disk here, and none is to be harmed.
    const file = scratch('by-hand.xml');
    writeFileSync(
      file,
      stdout.replace(/<disk .*<\/disk>/s, '').replace(/<metadata>.*<\/metadata>/s, ''),
    );
    expect(await virsh(other.libvirtSocket, ['create', file])).toMatchObject({ code: 0 });
    const since = performance.now();
    await waitUntil(
      'it is stopped',
      async () => {
        const active = await virsh(other.libvirtSocket, ['list', '--name']);
        return active.code === 0 && !active.stdout.includes(vm.name);
      },
      limits,
    );
    expect(performance.now() - since).toBeLessThan(5000);
    await site.beating([vm.name]);
    expect(site.boots(vm.name)).toBe(boots);
    expect((await site.vm(vm.name)).permit).toEqual(vm.permit);
    expect(await site.events(mark)).toContainEqual(
      expect.objectContaining({ code: 'VM_STRAY', severity: 'critical', node: other.name }),
    );
    expect((await kennel('explain VM_STRAY')).stdout).toContain('no right to');
  });

  /** `kennel agent join` as a machine that is no node yet, from inside the lab. */
  function join4(token: string, directory: string): Promise<CommandResult> {
    const { lab } = site;
    const machineId = join(directory, '..', 'machine-id');
    writeFileSync(machineId, '0123456789abcdef0123456789abcdef\n');
    return lab.execInFabric(
      [
        ...kennelCommand,
        'agent',
        'join',
        '--token-stdin',
        '--node=node-4',
        '--address=10.77.0.4',
        `--manager=${lab.managerAddress()}:7400`,
        `--directory=${directory}`,
        `--machine-id-file=${machineId}`,
      ],
      { input: token },
    );
  }

  test('a join token is good once and not for ever', async () => {
    const token = (await kennel('node token --node node-4 --ttl 5m')).stdout.trim();
    expect(await join4(token, scratch('node-4'))).toMatchObject({ code: 0 });
    const again = await join4(token, scratch('node-4-again'));
    expect(again.stderr).toMatch(/^error\[E_TOKEN_INVALID\]/);
    // The last one made: the next would let go of it once it has expired.
    const short = valueOf(await site.client.createToken({ node: null, ttlMs: 1000 }));
    const isOver = (): boolean => Date.now() > Date.parse(short.expiresAt);
    await waitUntil('it has expired', isOver, { timeoutMs: 10_000 });
    const late = await join4(short.token, scratch('node-4-late'));
    expect(late.stderr).toMatch(/^error\[E_TOKEN_EXPIRED\]/);
    await kennel('node remove node-4 -y --wait');
  });

  test('the certificate of another cluster is refused', async () => {
    const foreign = scratch('foreign');
    const words = ['--name', 'foreign', '--address', '127.0.0.1', '--directory', foreign];
    await mustRun([...kennelCommand, 'init', ...words]);
    const config = join(foreign, 'admin', 'lab.yaml');
    writeFileSync(
      config,
      `unixSockets: [${join(site.cluster.directory, 'api.sock')}]
certificate: admin.crt
key: admin.key
certificateAuthority: ${join(site.cluster.directory, 'admin', 'ca.crt')}
`,
    );
    const local = await runCommand([...kennelCommand, '--config', config, 'status']);
    expect(local.stderr).toMatch(/^error\[E_CERTIFICATE\]/);
    const asked = await rawStatus(join(site.cluster.directory, 'api.sock'), {
      cert: readFileSync(join(foreign, 'admin', 'admin.crt')),
      key: readFileSync(join(foreign, 'admin', 'admin.key')),
    });
    expect(asked).toMatchObject({ status: 401, body: { error: { code: 'E_CERTIFICATE' } } });
  });

  test('X3: the certificate of an agent opens no door but its own session', async () => {
    const stolen = join(site.lab.node(1).directory, 'kennel');
    const blocks = readFileSync(join(stolen, 'agent.pem'), 'utf8').match(
      /-----BEGIN[^]*?-----END.*-----\n/g,
    );
    const [key = '', certificate = ''] = blocks ?? [];
    const thief = scratch('thief');
    cpSync(stolen, thief, { recursive: true });
    writeFileSync(join(thief, 'agent.key'), key);
    writeFileSync(join(thief, 'agent.crt'), certificate);
    writeFileSync(
      join(thief, 'client.yaml'),
      `unixSockets: [${join(site.cluster.directory, 'api.sock')}]
certificate: agent.crt
key: agent.key
certificateAuthority: ${join(site.cluster.directory, 'admin', 'ca.crt')}
`,
    );
    for (const line of ['status', 'node fence node-2 --reason spite -y']) {
      const asked = await runCommand([
        ...kennelCommand,
        '--config',
        join(thief, 'client.yaml'),
        ...line.split(' '),
      ]);
      expect(asked.stderr).toMatch(
        /^error\[E_FORBIDDEN\]: agent node-1 may not use this interface/,
      );
    }

    const incarnation = (await site.node('node-2')).incarnation;
    const config = join(thief, 'agent.yaml');
    writeFileSync(config, readFileSync(config, 'utf8').replace('node: node-1', 'node: node-2'));
    rmSync(join(thief, 'agent-state'), { force: true });
    rmSync(join(thief, 'agent.lock'), { force: true });
    const impostor = await site.lab.spawnManager(
      [...kennelCommand, 'agent', 'run', '--directory', thief],
      { name: 'impostor', place: { kind: 'fabric' } },
    );
    onTestFinished(() => impostor.kill());
    await waitUntil(
      'it is refused',
      () => readFileSync(impostor.log, 'utf8').includes('the certificate is of node-1'),
      limits,
    );
    await impostor.kill();
    expect(await site.node('node-2')).toMatchObject({ state: 'online', incarnation });
  });

  test('V5: a VM that cannot be started is tried on two nodes and fails; no node is fenced for it', async () => {
    onTestFinished(async () => void (await kennel(`vm delete ${hopeless} -y --wait`)));
    await site.until('it failed', ({ vms }) =>
      vms.some((vm) => vm.name === hopeless && vm.state === 'failed'),
    );
    expect((await kennel(`explain ${hopeless}`)).stdout).toMatch(/kennel vm start no-disk/);
    const events = await site.events();
    const reasons = events.filter((event) => event.code === 'VM_START_FAILED');
    const [first, second] = [reasons[0]?.node, reasons[2]?.node];
    expect(reasons.map((event) => event.node)).toEqual([first, first, second, second]);
    expect(second).not.toBe(first);
    expect(reasons[0]?.text).toMatch(/^no-disk could not be started: /);
    expect(events.map((event) => event.code)).not.toContain('FENCE_INTENT');
  });

  test('status, lists and explanations say how things are; status exits with 0, 1 and 2', async () => {
    expect((await kennel('status')).stdout).toMatch(/^cluster lab {2}healthy {2}managers 1\/1/);
    expect((await kennel('node ls')).stdout.match(/^node-\d +online/gm)).toHaveLength(3);
    const explained = await kennel('explain disk-1 -o json');
    expect(JSON.parse(explained.stdout)).toMatchObject({ topic: 'disk-1', awaiting: [] });
    expect((await kennel('explain E_FENCE_UNPROVEN')).stdout).toMatch(/not proven/);
    const events = (await kennel('events --last 3 -o json')).stdout.trim();
    expect(JSON.parse(events)).toHaveLength(3);

    const machine = site.lab.node(1);
    machine.signalService('libvirtd', 'SIGSTOP');
    await waitUntil(
      'status says that libvirt hangs',
      async () => {
        const { code, stdout } = await site.cluster.kennel(['status']);
        return code === 1 && stdout.includes('HYPERVISOR_UNREACHABLE');
      },
      limits,
    );
    machine.signalService('libvirtd', 'SIGCONT');
    await site.cluster.manager().kill();
    expect((await kennel('status', 2)).stderr).toMatch(/^error\[E_UNAVAILABLE\]/);
    await site.cluster.startManager();
  });

  test('fencing on request, its record, and power-on work from the command line', async () => {
    const { host, user, passwordFile } = site.lab.bmcOf(1);
    const device = `--driver ipmi --host ${host} --user ${user} --settle 1s`;
    const added = await kennel(
      `fence add node-1/bmc ${device} --password-file ${passwordFile} --wait --timeout 10s`,
    );
    expect(added.stdout).toMatch(
      /^fence device node-1\/bmc: added\n(?:.*\n)*node node-1: can be fenced$/,
    );

    const { machine, vms } = await site.busiest();
    const asked = await kennel(`node fence ${machine.name} --reason broken -y --wait`);
    expect(asked.stdout).toMatch(/is being fenced, F-\d+ .*\n.*: proven dead$/);
    await site.recovered(vms, machine.name);
    expect(machine.power()).toBe('off');
    await site.until('its record is complete', async () =>
      (await site.failovers()).every((failover) => failover.outcome === 'completed'),
    );
    const [newest] = JSON.parse((await kennel('failover ls -o json')).stdout).toReversed();
    expect(newest).toMatchObject({ node: machine.name, outcome: 'completed' });
    const told = (await kennel(`failover show ${newest.id}`)).stdout;
    expect(told).toMatch(/proven dead by powerOff/);
    for (const vm of vms) expect(told).toMatch(new RegExp(`${vm} started on node-`));
    // The last report of the dead node, a second old or less, holds nothing back.
    const provenMs = Date.parse(newest.provenAt);
    for (const { placedAt } of newest.vms)
      expect(Date.parse(placedAt) - provenMs).toBeLessThan(500);
    const history = (await kennel('events --last 40')).stdout;
    expect(history).toMatch(/FENCE_INTENT .* as asked .*\(admin: broken\)/);
    expect((await kennel(`node power-on ${machine.name} --wait`)).stdout).toMatch(/: online$/);
  });

  test('M8: with a full disk the store takes no changes, but a failover and its proof still fit', async () => {
    const store = join(site.cluster.directory, 'store');
    const filler = join(store, 'filler');
    onTestFinished(() => rmSync(filler, { force: true }));
    fill(store, filler);
    const change = () => site.client.createToken({ node: null, ttlMs: 60_000 });
    await waitUntil(
      'changes are refused',
      async () => {
        // What the store's reserve gave free is for the store, not for whoever fills the disk.
        if (existsSync(join(store, 'reserve'))) fill(store, filler);
        return (await change()).kind === 'problem';
      },
      { timeoutMs: 60_000, everyMs: 1 },
    );
    expect(refusal(await change()).code).toBe('E_STORE_READ_ONLY');
    const { findings } = await site.status();
    expect(findings).toMatchObject([{ code: 'STORE_READ_ONLY', severity: 'critical' }]);

    const { machine, vms } = await site.busiest();
    await machine.powerLoss();
    await site.recovered(vms, machine.name);
    await site.beating(vms);
    expect((await site.failovers()).at(-1)).toMatchObject({ proof: { kind: 'powerOff' } });
    expect(refusal(await change()).code).toBe('E_STORE_READ_ONLY');

    rmSync(filler);
    await site.until('the store takes changes again', ({ findings: now }) =>
      now.every((finding) => finding.code !== 'STORE_READ_ONLY'),
    );
    valueOf(await change());
  });

  test('I1: the witness saw every disk all the time, and never two writers on one', () => {
    for (const report of site.testimony()) {
      expect(report.overlaps).toEqual([]);
      expect(report.unreadable).toEqual([]);
    }
  });
});

/** Writes to a file until the file system has not one block left. */
function fill(directory: string, file: string): void {
  const { bavail, bsize } = statfsSync(directory);
  if (bavail > 0) writeFileSync(file, Buffer.alloc(bavail * bsize), { flag: 'a' });
}

/** `GET /v1/status` with any certificate, by a client that does not check the other side. */
function rawStatus(
  socketPath: string,
  credentials: { readonly cert: Buffer; readonly key: Buffer },
): Promise<{ readonly status: number | undefined; readonly body: unknown }> {
  return new Promise((resolve, reject) => {
    const options = { socketPath, path: '/v1/status', rejectUnauthorized: false, ...credentials };
    const asking = request(options, (answer) => {
      text(answer).then(
        (body) => resolve({ status: answer.statusCode, body: JSON.parse(body) as unknown }),
        reject,
      );
    });
    asking.once('error', reject);
    asking.end();
  });
}

/** SIGKILL to the QEMU of a VM on a node. */
function killQemu(machine: LabNode, vm: string): boolean {
  const pid = groupProcesses(machine.group).find((candidate) => {
    const words = readFileSync(`/proc/${candidate}/cmdline`, 'utf8').split('\0');
    return (
      words[0]?.includes('qemu-system') === true &&
      words.some((word) => word.startsWith(`guest=${vm},`))
    );
  });
  const identity = pid === undefined ? null : identify(pid);
  return identity !== null && signalProcess(identity, 'SIGKILL');
}
