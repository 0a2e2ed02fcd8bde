import { expect, test } from 'vitest';
import { z } from 'zod';
import { vmDiskSchema } from '../schema/vm-spec.ts';
import { fieldProblem } from './field-problems.ts';
import { nearestName } from './known-fields.ts';

function because(schema: z.ZodType, data: unknown): string {
  const parsed = schema.safeParse(data);
  if (parsed.success) throw new Error('it is accepted');
  return fieldProblem(parsed.error, { schema, data, part: 'body' }).because;
}

const disk = { format: 'raw', bus: 'virtio', readOnly: false };

test('a union tells of its own members, and of the fields of the one that was chosen', () => {
  const schema = z.strictObject({ disks: z.array(vmDiskSchema) });
  expect(
    because(schema, {
      disks: [{ ...disk, source: { kind: 'nbd', host: 'h', prt: 1, export: '' } }],
    }),
  ).toBe(
    'disks[0].source.prt is not known, did you mean port?; disks[0].source.port is missing, it must be a whole number',
  );
  expect(because(schema, { disks: [{ ...disk, source: { kind: 'zfs' } }] })).toBe(
    'disks[0].source.kind must be one of nbd, rbd, iscsi, sharedFile, local, given "zfs"',
  );
  expect(
    because(schema, { disks: [{ ...disk, source: { kind: 'rbd', pool: 'p', image: 'i', x: 1 } }] }),
  ).toBe('disks[0].source.x is not known, allowed are kind, pool, image');
});

test('texts, lists and numbers say their bounds in their own words', () => {
  const schema = z.strictObject({
    text: z.string().min(1),
    list: z.array(z.int()).max(2),
    number: z.number().max(5),
  });
  expect(because(schema, { text: '', list: [1, 2, 3], number: 6 })).toBe(
    'text must have at least 1 character, given ""; list must have at most 2 entries, given a list; number must be at most 5, given 6',
  );
});

test('a value that may be of several types names them all', () => {
  const schema = z.object({ a: z.record(z.string(), z.union([z.string(), z.boolean()])) });
  expect(because(schema, { a: { x: 5 } })).toBe('a.x must be a text or true or false, given 5');
});

test('a long value is cut, a secret is not repeated, and the list of faults is bounded', () => {
  const schema = z.object({ note: z.int(), password: z.int() });
  const text = because(schema, { note: 'n'.repeat(500), password: 'hunter2' });
  expect(text.length).toBeLessThan(200);
  expect(text).not.toContain('hunter2');
  const many = because(
    z.array(z.int()),
    Array.from({ length: 100 }, () => 'x'),
  );
  expect(many).toMatch(/; and 88 more$/);
});

test('only a near name is suggested', () => {
  const known = ['memoryMiB', 'vcpus', 'name'];
  expect(nearestName('memoryMB', known)).toBe('memoryMiB');
  expect(nearestName('MEMORYMIB', known)).toBe('memoryMiB');
  expect(nearestName('vcpu', known)).toBe('vcpus');
  expect(nearestName('colour', known)).toBeNull();
  expect(nearestName('x', [])).toBeNull();
});
