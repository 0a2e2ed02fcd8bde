import { isCollection, isMap, isPair, isScalar, LineCounter, parseAllDocuments } from 'yaml';
import type { Document, Node, ParsedNode } from 'yaml';
import { z } from 'zod';
import type { CreateVm } from '../../api/schema/requests.ts';
import { createVmSchema } from '../../api/schema/requests.ts';
import { leftBehind, plainHardware } from '../../core/model/hardware.ts';
import { closest } from '../suggest.ts';
import { derivedMac } from './derived-mac.ts';
import type { VmToCreate } from './parse-vm-file.ts';
import { fieldPath } from './spec-problem.ts';
import type { Parsed, SpecProblem } from './spec-problem.ts';
import { guestOf } from './yaml-guest.ts';
import { hardwareOf } from './yaml-hardware.ts';
import { otherNames, yamlSpecSchema } from './yaml-schema.ts';
import type { YamlSpec } from './yaml-schema.ts';

/** Reads YAML documents, one VM each. Every problem of every document is reported at once. */
export function parseYamlSpecs(text: string): Parsed<readonly VmToCreate[]> {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  const vms: VmToCreate[] = [];
  const problems: SpecProblem[] = [];
  // A `---` at the end of a file begins one more document, with nothing in it.
  const filled = [...documents].filter((document) => !isEmpty(document) || hasErrors(document));
  for (const document of filled) {
    const parsed = parseDocument(document, lines);
    if (parsed.kind === 'ok') vms.push(parsed.value);
    else problems.push(...parsed.problems);
  }
  if (filled.length === 0) {
    problems.push({ line: 1, field: '', what: 'there is no VM in it', suggestion: null });
  }
  return problems.length === 0 ? { kind: 'ok', value: vms } : { kind: 'invalid', problems };
}

type ParsedDocument = Document.Parsed<ParsedNode, boolean>;

function isEmpty({ contents }: ParsedDocument): boolean {
  return contents === null || (isScalar(contents) && contents.value === null);
}

function hasErrors(document: ParsedDocument): boolean {
  return document.errors.length > 0 || document.warnings.length > 0;
}

function parseDocument(document: ParsedDocument, lines: LineCounter): Parsed<VmToCreate> {
  if (hasErrors(document)) {
    const faults = [...document.errors, ...document.warnings];
    return {
      kind: 'invalid',
      problems: faults.map((fault) => ({
        line: lines.linePos(fault.pos[0]).line,
        field: '',
        what: fault.code === 'DUPLICATE_KEY' ? 'this field is given twice' : fault.message,
        suggestion: null,
      })),
    };
  }
  const line = lineOf(document.contents, lines);
  if (!isMap(document.contents)) {
    const what = 'a VM is described by fields, for example name: db-1';
    return { kind: 'invalid', problems: [{ line, field: '', what, suggestion: null }] };
  }
  const plain: unknown = document.toJS({ maxAliasCount: 100 });
  const parsed = yamlSpecSchema.safeParse(plain);
  if (!parsed.success) {
    const problems = parsed.error.issues.flatMap((issue) => specProblems(issue, document, lines));
    return { kind: 'invalid', problems };
  }
  return checkedBody(parsed.data, line);
}

/** The API's own schema has the last word. A refusal here is one that ours should have given. */
function checkedBody(spec: YamlSpec, line: number): Parsed<VmToCreate> {
  const checked = createVmSchema.safeParse(toBody(spec));
  if (checked.success) {
    return { kind: 'ok', value: { body: checked.data, line, notes: notesOf(checked.data) } };
  }
  return {
    kind: 'invalid',
    problems: checked.error.issues.map((issue) => ({
      line,
      field: fieldPath(issue.path),
      what: issue.message,
      suggestion: null,
    })),
  };
}

function toBody(spec: YamlSpec): CreateVm {
  return {
    id: spec.id ?? null,
    desired: spec.desired,
    node: null,
    spec: {
      name: spec.name,
      vcpus: spec.cpus,
      memoryMiB: spec.memory,
      disks: spec.disks.map((disk) => ({
        source: diskSource(disk),
        format: disk.format ?? 'raw',
        bus: disk.bus,
        readOnly: disk.readOnly,
      })),
      interfaces: spec.interfaces.map((card, index) => ({
        mac: card.mac ?? derivedMac(spec.id ?? spec.name, index),
        attach:
          card.bridge === undefined
            ? { kind: 'network', network: card.network ?? '' }
            : { kind: 'bridge', bridge: card.bridge },
        model: card.model,
      })),
      priority: spec.priority,
      definition: {
        kind: 'typed',
        machine: spec.machine ?? null,
        emulated: spec.emulated,
        ...hardwareOf(spec),
      },
      consoleLog: spec.consoleLog ?? null,
      separateFrom: spec.separateFrom,
      nodes: spec.nodes,
      limits: spec.limits,
      ...(spec.onEvacuation === undefined ? {} : { onEvacuation: spec.onEvacuation }),
      ...guestOf(spec),
    },
  };
}

function diskSource(disk: YamlSpec['disks'][number]): CreateVm['spec']['disks'][number]['source'] {
  if (disk.nbd !== undefined) return { kind: 'nbd', ...disk.nbd };
  if (disk.rbd !== undefined) return { kind: 'rbd', ...disk.rbd };
  if (disk.iscsi !== undefined) return { kind: 'iscsi', ...disk.iscsi };
  if (disk.sharedFile !== undefined) return { kind: 'sharedFile', path: disk.sharedFile };
  return { kind: 'local', path: disk.local ?? '' };
}

/** What is allowed, and still deserves a word. */
export function notesOf(body: CreateVm): readonly string[] {
  const { name, definition } = body.spec;
  const left = definition.kind === 'typed' ? leftBehind(definition.hardware ?? plainHardware) : [];
  const disks = body.spec.disks
    .map((disk) => disk.source)
    .filter((source) => source.kind === 'local')
    .map(
      (source) =>
        `${name}: disk ${source.path} belongs to one node, so the VM cannot be restarted on another (kennel explain E_DISK_LOCAL)`,
    );
  return [...disks, ...left.map((text) => `${name}: ${text}`)];
}

function specProblems(
  issue: z.core.$ZodIssue,
  document: ParsedDocument,
  lines: LineCounter,
): SpecProblem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownField([...issue.path, key], document, lines));
  }
  const node = nodeAt(document, issue.path);
  const isMissing = node === null && issue.path.length > 0;
  return [
    {
      line: lineOf(node ?? nodeAt(document, issue.path.slice(0, -1)), lines),
      field: fieldPath(issue.path),
      what: isMissing ? 'is missing' : messageOf(issue, node),
      suggestion: isMissing ? exampleFor(issue.path) : suggestionFor(issue, node),
    },
  ];
}

function unknownField(
  path: readonly PropertyKey[],
  document: ParsedDocument,
  lines: LineCounter,
): SpecProblem {
  const name = String(path.at(-1));
  const known = knownFields(path.slice(0, -1));
  const meant = otherNames[name] ?? closest(name, known);
  const isKnown = meant !== null && known.some((field) => meant.startsWith(field));
  return {
    line: lineOf(keyAt(document, path), lines),
    field: fieldPath(path),
    what: 'there is no such field',
    suggestion: isKnown ? `it is called ${meant}` : `known are ${known.join(', ')}`,
  };
}

/** Field names at a place, read off the schema so that they cannot drift from it. */
function knownFields(path: readonly PropertyKey[]): readonly string[] {
  let schema: z.core.$ZodType | undefined = yamlSpecSchema;
  for (const key of path) {
    const outer = unwrapped(schema);
    if (outer instanceof z.ZodObject) schema = outer.shape[String(key)];
    else if (outer instanceof z.ZodArray) schema = outer.element;
  }
  const found = unwrapped(schema);
  return found instanceof z.ZodObject ? Object.keys(found.shape) : [];
}

function unwrapped(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault) inner = inner.unwrap();
  return inner;
}

function messageOf(issue: z.core.$ZodIssue, node: Node | null): string {
  if (issue.code === 'invalid_type') {
    const shown = isScalar(node) ? `${String(node.value)} is not` : 'it is not';
    return `${shown} ${wanted(issue.expected)}`;
  }
  if (issue.code === 'invalid_value') {
    const value = isScalar(node) ? `"${String(node.value)}"` : 'it';
    return `${value} is not one of ${issue.values.map(String).join(', ')}`;
  }
  return issue.message;
}

function wanted(expected: string): string {
  switch (expected) {
    case 'string':
      return 'text';
    case 'int':
    case 'number':
      return 'a whole number';
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'a list (each entry begins with "- ")';
    default:
      return 'a group of fields';
  }
}

function suggestionFor(issue: z.core.$ZodIssue, node: Node | null): string | null {
  const value: unknown = isScalar(node) ? node.value : undefined;
  if (issue.code === 'invalid_type' && issue.expected === 'string') {
    const isPlain = typeof value === 'number' || typeof value === 'boolean';
    return isPlain ? `in quotes it is text: "${value}"` : null;
  }
  if (issue.code === 'invalid_value' && typeof value === 'string') {
    const near = closest(value, issue.values.map(String));
    return near === null ? null : `perhaps ${near}`;
  }
  if (issue.code === 'invalid_format' && typeof value === 'string') {
    const lower = value.toLowerCase();
    return lower === value ? null : `perhaps ${lower}`;
  }
  return null;
}

function exampleFor(path: readonly PropertyKey[]): string | null {
  switch (path.at(-1)) {
    case 'name':
      return 'for example name: db-1';
    case 'cpus':
      return 'for example cpus: 2';
    case 'memory':
      return 'for example memory: 2GiB';
    default:
      return null;
  }
}

function nodeAt(document: ParsedDocument, path: readonly PropertyKey[]): Node | null {
  if (path.length === 0) return document.contents;
  const found: unknown = document.getIn(path, true);
  return isScalar(found) || isCollection(found) ? found : null;
}

function keyAt(document: ParsedDocument, path: readonly PropertyKey[]): Node | null {
  const parent = nodeAt(document, path.slice(0, -1));
  if (!isMap(parent)) return parent;
  const pair = parent.items.find(
    (item) => isPair(item) && isScalar(item.key) && item.key.value === path.at(-1),
  );
  return isScalar(pair?.key) ? pair.key : parent;
}

function lineOf(node: Node | null, lines: LineCounter): number {
  return lines.linePos(node?.range?.[0] ?? 0).line;
}
