import { describe, expect, test } from 'vitest';
import { derivedMac } from './derived-mac.ts';
import { parseVmFile } from './parse-vm-file.ts';
import { specProblemLines } from './spec-problem.ts';

const noOptions = { sharedPaths: [] };

async function bodies(text: string) {
  const parsed = await parseVmFile(text, noOptions);
  if (parsed.kind === 'invalid') throw new Error(specProblemLines('f', parsed.problems).join('\n'));
  return parsed.value.map((vm) => vm.body);
}

async function problems(text: string): Promise<readonly string[]> {
  const parsed = await parseVmFile(text, noOptions);
  if (parsed.kind === 'ok') throw new Error('it was accepted');
  return specProblemLines('f.yaml', parsed.problems);
}

const full = `
name: db-1
id: 6f0c2f6e-8c1b-4a55-9a86-0d3c8b8f0001
cpus: 2
memory: 512MiB
disks:
  - nbd: { host: store-1, port: 10809, export: db-1 }
    format: raw
    bus: virtio
  - sharedFile: /srv/vms/data.qcow2
    format: qcow2
    bus: scsi
  - rbd: { pool: vms, image: db-1 }
    readOnly: true
  - iscsi: { portal: "san-1:3260", target: iqn.2026-01.example:a, lun: 0 }
interfaces:
  - bridge: br0
    mac: 52:54:00:12:34:56
  - network: default
    model: e1000
priority: high
desired: stopped
separateFrom: [db-2]
nodes: [node-1, node-2]
limits: { restarts: 0 }
consoleLog: /var/log/kennel/db-1.log
emulated: true
machine: q35
`;

test('every field of the documented form arrives', async () => {
  expect(await bodies(full)).toEqual([
    {
      id: '6f0c2f6e-8c1b-4a55-9a86-0d3c8b8f0001',
      desired: 'stopped',
      node: null,
      spec: {
        name: 'db-1',
        vcpus: 2,
        memoryMiB: 512,
        disks: [
          {
            source: { kind: 'nbd', host: 'store-1', port: 10_809, export: 'db-1' },
            format: 'raw',
            bus: 'virtio',
            readOnly: false,
          },
          {
            source: { kind: 'sharedFile', path: '/srv/vms/data.qcow2' },
            format: 'qcow2',
            bus: 'scsi',
            readOnly: false,
          },
          {
            source: { kind: 'rbd', pool: 'vms', image: 'db-1' },
            format: 'raw',
            bus: 'virtio',
            readOnly: true,
          },
          {
            source: {
              kind: 'iscsi',
              portal: 'san-1:3260',
              target: 'iqn.2026-01.example:a',
              lun: 0,
            },
            format: 'raw',
            bus: 'virtio',
            readOnly: false,
          },
        ],
        interfaces: [
          {
            mac: '52:54:00:12:34:56',
            attach: { kind: 'bridge', bridge: 'br0' },
            model: 'virtio',
          },
          {
            mac: derivedMac('6f0c2f6e-8c1b-4a55-9a86-0d3c8b8f0001', 1),
            attach: { kind: 'network', network: 'default' },
            model: 'e1000',
          },
        ],
        priority: 'high',
        definition: { kind: 'typed', machine: 'q35', emulated: true },
        consoleLog: '/var/log/kennel/db-1.log',
        separateFrom: ['db-2'],
        nodes: ['node-1', 'node-2'],
        limits: { restarts: 0, relocations: 2 },
      },
    },
  ]);
});

test('three lines are enough, the rest has defaults', async () => {
  const [body] = await bodies('name: web\ncpus: 1\nmemory: 1GiB\n');
  expect(body).toMatchObject({
    id: null,
    desired: 'running',
    node: null,
    spec: {
      memoryMiB: 1024,
      priority: 'medium',
      disks: [],
      definition: { emulated: false },
      limits: { restarts: 2, relocations: 2 },
    },
  });
});

test('several documents are several VMs, an empty one at the end is none', async () => {
  const made = await bodies(
    'name: a\ncpus: 1\nmemory: 1GiB\n---\nname: b\ncpus: 1\nmemory: 1GiB\n---\n',
  );
  expect(made.map((body) => body.spec.name)).toEqual(['a', 'b']);
});

test('a derived MAC address is stable, locally administered and differs by card and VM', () => {
  expect(derivedMac('db-1', 0)).toBe(derivedMac('db-1', 0));
  expect(derivedMac('db-1', 0)).toMatch(/^52:54:00(:[0-9a-f]{2}){3}$/);
  expect(new Set([derivedMac('db-1', 0), derivedMac('db-1', 1), derivedMac('db-2', 0)]).size).toBe(
    3,
  );
});

test('a disk of one node is taken, with a note that names the consequence', async () => {
  const text = 'name: a\ncpus: 1\nmemory: 1GiB\ndisks:\n  - local: /dev/sdb\n';
  const parsed = await parseVmFile(text, noOptions);
  expect(parsed.kind === 'ok' && parsed.value[0]?.notes[0]).toContain(
    'cannot be restarted on another',
  );
});

const head = 'name: a\ncpus: 1\nmemory: 1GiB\n';

describe('what is wrong is told with line, field and what was probably meant', () => {
  test.each([
    [
      'memory without a unit',
      'name: a\ncpus: 1\nmemory: 512',
      'f.yaml:3: memory: 512 has no unit; write 512MiB or 512GiB',
    ],
    [
      'memory with a wrong unit',
      'name: a\ncpus: 1\nmemory: 512MB',
      'f.yaml:3: memory: "MB" is not a unit here; write 512MiB (powers of 1024)',
    ],
    [
      'memory as a list',
      'name: a\ncpus: 1\nmemory: [1]',
      'f.yaml:3: memory: must be an amount with a unit, for example 512MiB or 4GiB',
    ],
    ['a missing field', 'name: a\nmemory: 1GiB', 'f.yaml:1: cpus: is missing; for example cpus: 2'],
    [
      'missing memory',
      'cpus: 1\nname: a',
      'f.yaml:1: memory: is missing; for example memory: 2GiB',
    ],
    [
      'a mistyped field',
      `${head}priorty: high`,
      'f.yaml:4: priorty: there is no such field; it is called priority',
    ],
    [
      'a field of another tool',
      `${head}vcpus: 2`,
      'f.yaml:4: vcpus: there is no such field; it is called cpus',
    ],
    [
      'a mistyped field of a disk',
      `${head}disks:\n  - local: /a\n    fromat: raw`,
      'f.yaml:6: disks[0].fromat: there is no such field; it is called format',
    ],
    [
      'a field of nowhere',
      `${head}zebra: 1`,
      'f.yaml:4: zebra: there is no such field; known are name, id, cpus',
    ],
    [
      'a field given twice',
      'name: a\ncpus: 1\nmemory: 1GiB\nname: b',
      'f.yaml:4: this field is given twice',
    ],
    [
      'a wrong choice',
      `${head}priority: hihg`,
      'f.yaml:4: priority: "hihg" is not one of high, medium, low; perhaps high',
    ],
    [
      'a number for text',
      'name: 17\ncpus: 1\nmemory: 1GiB',
      'f.yaml:1: name: 17 is not text; in quotes it is text: "17"',
    ],
    [
      'text for a number',
      'name: a\ncpus: two\nmemory: 1GiB',
      'f.yaml:2: cpus: two is not a whole number',
    ],
    ['half a CPU', 'name: a\ncpus: 1.5\nmemory: 1GiB', 'f.yaml:2: cpus: 1.5 is not a whole number'],
    ['a name with capitals', 'name: DB-1\ncpus: 1\nmemory: 1GiB', 'perhaps db-1'],
    [
      'a disk without a source',
      `${head}disks:\n  - format: raw`,
      'f.yaml:5: disks[0]: must have exactly one of nbd, rbd, iscsi, sharedFile, local; it has none',
    ],
    [
      'a disk with two sources',
      `${head}disks:\n  - local: /a\n    sharedFile: /b`,
      'it has sharedFile and local',
    ],
    [
      'a qcow2 file without its format',
      `${head}disks:\n  - sharedFile: /a.qcow2`,
      'f.yaml:5: disks[0]: has no format',
    ],
    [
      'a relative path',
      `${head}disks:\n  - local: disk.img`,
      'f.yaml:5: disks[0].local: must be an absolute path',
    ],
    [
      'one disk instead of a list',
      `${head}disks:\n  local: /a`,
      'f.yaml:5: disks: it is not a list',
    ],
    [
      'a card without a network',
      `${head}interfaces:\n  - model: virtio`,
      'f.yaml:5: interfaces[0]: must have either bridge or network',
    ],
    [
      'a MAC address in capitals',
      `${head}interfaces:\n  - bridge: br0\n    mac: 52:54:00:AA:BB:CC`,
      'perhaps 52:54:00:aa:bb:cc',
    ],
    [
      'text instead of fields',
      'just text',
      'f.yaml:1: a VM is described by fields, for example name: db-1',
    ],
    ['an empty file', '', 'f.yaml:1: there is no VM in it'],
    ['broken YAML', 'name: [a', 'f.yaml:1: '],
    ['an unknown tag', 'name: !secret a\ncpus: 1\nmemory: 1GiB', 'f.yaml:1: '],
  ])('%s', async (_, text, expected) => {
    const [first] = await problems(text);
    expect(first).toContain(expected);
  });

  test('problems of all documents come together, in the order of the file', async () => {
    const lines = await problems(
      'name: a\ncpus: 0\nmemory: 1GiB\n---\nname: b\ncpus: 1\nmemory: 3\n',
    );
    expect(lines.map((line) => line.split(':')[1])).toEqual(['2', '7']);
  });
});

describe('V16: what two VMs of one file share by mistake is refused', () => {
  const a = 'name: a\ncpus: 1\nmemory: 1GiB\n';
  const b = a.replace('name: a', 'name: b');
  const card = 'interfaces: [{ bridge: br0, mac: "52:54:00:00:00:01" }]\n';
  const disk = 'disks: [{ rbd: { pool: p, image: i } }]\n';
  const id = 'id: 6f0c2f6e-8c1b-4a55-9a86-0d3c8b8f0001\n';
  test.each([
    ['name', a, a, 'name a is used already on line 1'],
    ['UUID', a + id, b + id, 'id 6f0c2f6e-8c1b-4a55-9a86-0d3c8b8f0001 is used already'],
    ['MAC address', a + card, b + card, 'mac 52:54:00:00:00:01 is used already'],
    ['disk', a + disk, b + disk, 'is used already on line 1'],
  ])('%s', async (_, first, second, expected) => {
    const [line] = await problems(`${first}---\n${second}`);
    expect(line).toContain(expected);
    expect(line).toMatch(/^f\.yaml:[5-6]:/);
  });

  test('a disk that both only read may be shared', async () => {
    const shared = 'disks: [{ rbd: { pool: p, image: iso }, readOnly: true }]\n';
    expect(await bodies(`${a}${shared}---\n${b}${shared}`)).toHaveLength(2);
  });
});
