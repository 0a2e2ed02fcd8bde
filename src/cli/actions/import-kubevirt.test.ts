import { describe, expect, it } from 'vitest';
import { fakeWorld, type FakeWorld } from '../testing/fake-world.ts';
import { main } from '../main.ts';

const manifest = `apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: db-1, annotations: {note: hunter2}}
spec:
  runStrategy: Always
  template:
    spec:
      domain: {memory: {guest: 1Gi}, devices: {autoattachPodInterface: false}}
      volumes:
        - {name: root, persistentVolumeClaim: {claimName: root}}
        - {name: seed, cloudInitNoCloud: {userData: "password: hunter2"}}
`;

async function run(
  files: Readonly<Record<string, string>>,
  ...argv: readonly string[]
): Promise<{ readonly code: number; readonly world: FakeWorld }> {
  const world = fakeWorld({ files });
  const code = await main(['import', 'kubevirt', ...argv], world);
  return { code, world };
}

describe('kennel import kubevirt', () => {
  const files = { '/a.yaml': manifest, '/maps': '# claims\n\nroot=rbd:vms/db\n' };

  it('prints a VM file, and beside it what is lost', async () => {
    const { code, world } = await run(files, '/a.yaml', '--pvc-map', 'root=rbd:vms/db');
    expect(code).toBe(0);
    expect(world.out()).toContain('name: db-1\ndesired: running\ncpus: 1\nmemory: 1024MiB\n');
    expect(world.errors()).toContain('weaker: /a.yaml: VirtualMachine db-1: no seed disk is made');
    expect(`${world.out()}${world.errors()}`).not.toContain('hunter2');
  });

  it('takes maps from files', async () => {
    const { code, world } = await run(files, '/a.yaml', '--pvc-map', '@/maps', '-o', 'json');
    expect(code).toBe(0);
    const printed = JSON.parse(world.out()) as { readonly objects: readonly unknown[] };
    expect(printed.objects).toMatchObject([{ disks: [{ rbd: { pool: 'vms', image: 'db' } }] }]);
  });

  it('prints no file when a field is refused, and names the field', async () => {
    const { code, world } = await run(files, '/a.yaml');
    expect([code, world.out()]).toEqual([1, '']);
    expect(world.errors()).toContain(
      'VirtualMachine db-1: spec.template.spec.volumes[0].persistentVolumeClaim.claimName (root)',
    );
    const json = await run(files, '/a.yaml', '-o', 'json');
    expect(json.code).toBe(1);
    expect(JSON.parse(json.world.out())).toMatchObject({ objects: [], refused: [{}] });
  });

  it.each([
    ['broken', 'a: [hunter2'],
    ['twice', 'password: hunter2\npassword: hunter3'],
    ['alias', 'a: *hunter2'],
  ])('quotes nothing of a file that is not YAML: %s', async (_, text) => {
    const { code, world } = await run({ '/a.yaml': text }, '/a.yaml');
    expect(code).toBe(1);
    expect(world.errors()).toContain('/a.yaml cannot be read as manifests');
    expect(world.errors()).not.toContain('hunter');
  });

  it('refuses an entry of a map that it cannot read', async () => {
    const { code, world } = await run(files, '/a.yaml', '--pvc-map', 'root=/srv/root.img');
    expect(code).toBe(64);
    expect(world.errors()).toContain('sharedFile:/PATH');
  });

  it('takes several files, and needs one', async () => {
    const two = { ...files, '/b.json': JSON.stringify({ apiVersion: 'v1', kind: 'Namespace' }) };
    const { code } = await run(two, '/a.yaml', '/b.json', '--pvc-map', '/maps');
    expect(code).toBe(0);
    expect((await run(files)).code).toBe(64);
  });
});
