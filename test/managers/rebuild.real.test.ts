import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ManagersView } from '../../src/api/schema/managers.ts';
import { freePort, kennel, ManagerProcess, type Finished } from './manager-process.ts';

/** Two managers that can lead and a witness: the site with two machines. */
describe('two managers and a witness', { timeout: 150_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'kennel-rebuild-'));
  const names = ['manager-1', 'manager-2', 'witness-1'] as const;
  const managers = new Map<string, ManagerProcess>();
  const config = join(directory, 'manager-1', 'admin', 'several.yaml');

  const run = (line: string, input = ''): Promise<Finished> =>
    kennel(line.split(' '), { config, input });
  const named = (name: (typeof names)[number]): ManagerProcess =>
    managers.get(name) as ManagerProcess;
  const until = (holds: (view: ManagersView) => boolean): Promise<ManagersView> =>
    vi.waitFor(
      async () => {
        const { out, errors } = await run('manager ls -o json');
        const view = JSON.parse(out === '' ? 'null' : out) as ManagersView | null;
        if (view === null || !holds(view)) throw new Error(`not yet: ${out}${errors}`);
        return view;
      },
      { timeout: 90_000, interval: 300 },
    );
  const rolesOf = (view: ManagersView): string =>
    view.managers.map(({ name, number, role }) => `${name} ${number} ${role}`).join(', ');
  const allAnswer = ({ managers: all, store }: ManagersView): boolean =>
    all.every(({ healthy, role }) => healthy && role !== 'learner') &&
    store.members.length === all.length &&
    store.members.every(({ disk }) => disk !== undefined);
  const place = (manager: ManagerProcess): string =>
    `--directory ${manager.directory} --address 127.0.0.1 --api-port ${manager.apiPort} --session-port ${manager.sessionPort}`;
  const segmentsOf = (store: string): readonly string[] =>
    readdirSync(store)
      .filter((file) => /log|segment|\.wal/.test(file) && !file.includes('lock'))
      .map((file) => join(store, file));

  beforeAll(async () => {
    for (const name of names) {
      const ports = [await freePort(), await freePort()] as const;
      managers.set(name, new ManagerProcess(name, join(directory, name), ports));
    }
    const [first, second] = [named('manager-1'), named('manager-2')];
    await run(`init --name test --store raft ${place(first)}`);
    const files = ['certificate: admin.crt', 'key: admin.key', 'certificateAuthority: ca.crt'];
    const addresses = `addresses: [${first.address}, ${second.address}]`;
    writeFileSync(config, [addresses, ...files].join('\n'));
    first.start();
    await until((view) => view.leader === 'manager-1');
    for (const name of ['manager-2', 'witness-1'] as const) {
      const kind = name === 'witness-1' ? ' --witness' : '';
      const { out: token } = await run(`manager token --name ${name}${kind}`);
      const line = `manager join --token-stdin --manager ${first.address} --name ${name} ${place(named(name))}`;
      const joined = await run(line, token);
      if (joined.code !== 0) throw new Error(joined.errors);
      named(name).start();
    }
    await until((view) => view.managers.length === 3 && allAnswer(view));
  }, 150_000);

  afterAll(async () => {
    await Promise.all([...managers.values()].map((manager) => manager.kill()));
    rmSync(directory, { recursive: true });
  });

  test('a witness votes, and holds no key of the cluster', async () => {
    const view = await until(allAnswer);
    expect(rolesOf(view)).toBe('manager-1 1 voter, manager-2 2 voter, witness-1 3 witness');
    for (const { disk } of view.store.members) {
      expect(disk).toMatchObject({ writeErrors: 0 });
      expect(disk?.logBytes).toBeGreaterThan(0);
    }
    const { directory: data } = named('witness-1');
    expect(existsSync(join(data, 'manager.pem'))).toBe(true);
    expect(existsSync(join(data, 'authority.pem'))).toBe(false);
    expect(existsSync(join(data, 'cluster-keys.json'))).toBe(false);
  });

  test('M6: a manager whose log is damaged does not start, and is rebuilt by one command', async () => {
    const second = named('manager-2');
    const rebuild = `manager rebuild --manager ${named('manager-1').address} --directory ${second.directory} -y`;
    expect((await run(rebuild)).errors).toContain('E_STORE_LOCKED');
    await second.kill();
    const [segment = ''] = segmentsOf(join(second.directory, 'store'));
    const bytes = readFileSync(segment);
    const middle = Math.floor(bytes.length / 2);
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 0xff, middle);
    writeFileSync(segment, bytes);
    second.start();
    expect(await second.ended()).not.toBe(0);
    expect(second.printed).toContain('E_STORE_DAMAGED');
    expect(second.printed).toContain('kennel manager rebuild --manager HOST:PORT');

    const done = JSON.parse((await run(`${rebuild} -o json`)).out) as { setAside: string };
    expect(done).toMatchObject({ name: 'manager-2', was: 2, number: 4 });
    expect(segmentsOf(done.setAside).map((file) => readFileSync(file))).toContainEqual(bytes);
    second.start();
    const view = await until(allAnswer);
    expect(rolesOf(view)).toBe('manager-1 1 voter, witness-1 3 witness, manager-2 4 voter');
  });

  test('M1: the leader dies: the rebuilt manager leads with the vote of the witness', async () => {
    await named('manager-1').kill();
    const view = await until((now) => now.leader !== null && now.leader !== 'manager-1');
    expect(view.leader).toBe('manager-2');
    expect((await run('node token')).code).toBe(0);
    expect(named('witness-1').printed).not.toContain('leading');
  });
});
