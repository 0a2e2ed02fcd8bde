import fc from 'fast-check';
import { expect, test } from 'vitest';
import { yamlSpecSchema } from '../../src/cli/vm-file/yaml-schema.ts';
import { convert, workOut, type Conversion, type Source } from '../../src/kubevirt/convert.ts';
import { kinds } from '../../src/kubevirt/fields/kinds.ts';
import { leavesOf, pathText, type Path } from '../../src/kubevirt/leaf-path.ts';
import { manifest, manifestNames, site } from './manifests.ts';

/** Words that mean something somewhere, so that random edits hit fields and not only unknown ones. */
const words = [
  ...new Set(kinds.flatMap(({ rows }) => rows.flatMap(({ at }) => at.split(/[.[\]"*]+/)))),
].filter((word) => word !== '');

const scalar = fc.oneof(
  fc.constantFrom<unknown>(true, false, 0, 1, 2, -1, 1.5, null, '', 'virtio', '1Gi', 'root', 'In'),
  fc.constantFrom('~', 'a b', '<&>', 'x'.repeat(200), '__proto__'),
);
const key = fc.oneof(fc.constantFrom(...words), fc.constantFrom('odd key', '__proto__x', 'a.b/c'));
const subtree: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('node'), { maxLength: 2 }),
    fc.dictionary(key, tie('node'), { maxKeys: 3 }),
  ),
})).node;

interface Edit {
  readonly at: number;
  readonly key: string;
  readonly value: unknown;
  readonly how: 'set' | 'add' | 'remove';
}
const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(10_000),
  key,
  value: subtree,
  how: fc.constantFrom('set', 'add', 'remove'),
});
const edited = fc
  .tuple(fc.constantFrom(...manifestNames), fc.array(edit, { maxLength: 4 }))
  .map(([name, edits]) =>
    manifest(name).map(({ document }, index) => ({
      file: `document ${index}`,
      document: edits.reduce(applied, structuredClone(document)),
    })),
  );

/** Changes one place of a document that is ours to change. */
function applied(document: unknown, { at, key: name, value, how }: Edit): unknown {
  const leaves = leavesOf(document);
  const leaf = leaves[at % leaves.length]?.path ?? [];
  if (leaf.length === 0) return document;
  const depth = how === 'add' ? (at % leaf.length) + 1 : leaf.length;
  const parent = leaf.slice(0, depth - 1).reduce<unknown>(below, document);
  const last = how === 'add' && !Array.isArray(parent) ? name : (leaf[depth - 1] ?? 0);
  if (typeof parent !== 'object' || parent === null) return document;
  const holder = parent as Record<string | number, unknown>;
  if (how === 'remove') delete holder[last];
  else holder[last] = structuredClone(value);
  return structuredClone(JSON.parse(JSON.stringify(document)) as unknown);
}

function below(value: unknown, part: string | number): unknown {
  return (value as Readonly<Record<string | number, unknown>>)[part];
}

function changed(
  sources: readonly Source[],
  index: number,
  path: Path,
  value: unknown,
): readonly Source[] {
  const copy = structuredClone(sources) as { file: string; document: unknown }[];
  const last = path.at(-1);
  const source = copy[index];
  if (source === undefined) return copy;
  if (last === undefined) source.document = value;
  else {
    const holder = path.slice(0, -1).reduce<unknown>(below, source.document);
    (holder as Record<string | number, unknown>)[last] = value;
  }
  return copy;
}

const options = { maps: site, lose: [] };
const converted = (sources: readonly Source[]): Conversion => convert(sources, options);

/** All that can be seen to depend on a manifest: also of VMs that are refused for another field. */
function everything(sources: readonly Source[]): string {
  const { machines, ledgers } = workOut(sources, options);
  const said = ledgers.map((one) => [one.losses(), one.refusals()]);
  return JSON.stringify([machines.map((one) => one.file), said]);
}

function isNamed(result: Conversion, file: string, path: string): boolean {
  if (result.losses.some((one) => one.file === file && one.path === path)) return true;
  return result.refused.some((one) => {
    if (one.file !== file || !path.startsWith(one.path)) return false;
    const rest = path.slice(one.path.length);
    return one.path === '' || rest === '' || rest.startsWith('.') || rest.startsWith('[');
  });
}

test('every leaf is lost or refused by name, or what comes out depends on it', () => {
  fc.assert(
    fc.property(edited, (sources) => {
      const result = converted(sources);
      const text = everything(sources);
      const silent = sources.flatMap(({ file, document }, index) =>
        leavesOf(document)
          .filter(({ path }) => !isNamed(result, file, pathText(path)))
          .filter(({ path }) => everything(changed(sources, index, path, '~changed~')) === text)
          .map(({ path }) => `${file}: ${pathText(path)}`),
      );
      expect(silent).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

/** Values of the same form, so that more than a field's type has to matter. */
function others(value: unknown): readonly unknown[] {
  if (typeof value === 'boolean') return [!value];
  if (typeof value === 'number') return [value + 1, value * 2 + 1, 0];
  if (typeof value !== 'string') return [];
  return [`${value}x`, value.replaceAll(/\d/g, (digit) => String((Number(digit) + 1) % 10))];
}

test('a field that is taken from a manifest of ours matters by its value', () => {
  const silent: string[] = [];
  for (const name of manifestNames) {
    const sources = manifest(name).map(({ document }, index) => ({ file: `${index}`, document }));
    const result = converted(sources);
    const text = everything(sources);
    for (const [index, { file, document }] of sources.entries()) {
      for (const { path, value } of leavesOf(document)) {
        const changes = others(value);
        if (changes.length === 0 || isNamed(result, file, pathText(path))) continue;
        const results = changes.map((one) => everything(changed(sources, index, path, one)));
        if (results.every((one) => one === text)) silent.push(`${name}: ${pathText(path)}`);
      }
    }
  }
  // A CD-ROM is read-only whatever its claim says.
  expect(silent).toEqual([
    'sata-and-boot-order: spec.template.spec.volumes[2].persistentVolumeClaim.readOnly',
  ]);
});

test('what converts is a valid VM, whatever stands in the manifest', () => {
  fc.assert(
    fc.property(edited, (sources) => {
      for (const object of converted(sources).objects) {
        expect(yamlSpecSchema.safeParse(object).error?.issues).toBeUndefined();
      }
    }),
    { numRuns: 300 },
  );
});

test('no text of a document is shown that is not in a field known to be no secret', () => {
  const secretAt = fc.constantFrom(...words, 'unknown', 'userData', 'password');
  fc.assert(
    fc.property(fc.constantFrom(...manifestNames), secretAt, fc.nat(10_000), (name, word, at) => {
      const sources = manifest(name).map(({ file, document }) => ({
        file,
        document: applied(structuredClone(document), {
          at,
          key: word,
          value: { [word]: { deep: 'the-secret' }, list: ['the-secret'] },
          how: 'add',
        }),
      }));
      const shown = converted(sources);
      const named = [...shown.losses, ...shown.refused].filter((one) => one.value === 'the-secret');
      // Only where the table has a line, for a field that holds no secrets, may a value be shown.
      for (const { path } of named)
        expect(path).not.toMatch(/unknown|userData|password|annotations/);
    }),
    { numRuns: 200 },
  );
});
