import { resolve } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import type { Document } from 'yaml';
import { KennelError } from '../../errors/kennel-error.ts';
import { convert, type Conversion, type Source } from '../../kubevirt/convert.ts';
import {
  diskEntry,
  networkEntry,
  nodeEntry,
  priorityEntry,
  type Entry,
  type SiteMaps,
} from '../../kubevirt/site-maps.ts';
import type { VmFile } from '../../kubevirt/vm-file.ts';
import type { Call } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { isForPeople, print } from '../output.ts';
import { usageError } from '../usage.ts';
import { parseVmFile } from '../vm-file/parse-vm-file.ts';

const maxFileBytes = 32 * 1024 * 1024;

interface ImportOptions {
  readonly pvcMap: readonly string[];
  readonly imageMap: readonly string[];
  readonly volumeMap: readonly string[];
  readonly networkMap: readonly string[];
  readonly nodeMap: readonly string[];
  readonly priorityMap: readonly string[];
  readonly lose: readonly string[];
}

/** Prints VM files made from manifests, and what is lost. Exit code 1 when anything is refused. */
export async function importKubevirt(
  call: Call,
  files: readonly string[],
  options: ImportOptions,
): Promise<number> {
  const maps = await siteMaps(call, options);
  const sources: Source[] = [];
  for (const file of files) sources.push(...documentsOf(file, await readText(call, file)));
  const conversion = convert(sources, { maps, lose: options.lose });
  await checkObjects(conversion.objects);
  if (!isForPeople(call)) {
    await print(call, conversion, () => '');
    return conversion.refused.length === 0 ? exitCodes.done : exitCodes.failed;
  }
  if (conversion.refused.length > 0) throw refusal(conversion);
  for (const line of lossLines(conversion)) call.world.terminal.writeError(`${line}\n`);
  const text = conversion.objects.map((one) => stringify(one, { lineWidth: 0 })).join('---\n');
  call.world.terminal.write(text);
  return exitCodes.done;
}

/** Documents of a file as JSON has them. What is wrong is told without quoting, for secrets. */
function documentsOf(file: string, text: string): readonly Source[] {
  const documents = parseAllDocuments(text.replace(/^\uFEFF/, ''), {
    prettyErrors: false,
    logLevel: 'error',
  });
  return [...documents].flatMap((document) => {
    const [fault] = document.errors;
    if (fault !== undefined) {
      const line = text.slice(0, fault.pos[0]).split('\n').length;
      throw badFile(file, `line ${line} is neither YAML nor JSON (${fault.code})`);
    }
    const plain = plainOf(file, document);
    if (plain === null || plain === undefined) return [];
    // Dates and the like are text to Kubernetes.
    return [{ file, document: JSON.parse(JSON.stringify(plain)) as unknown }];
  });
}

function plainOf(file: string, document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch {
    throw badFile(file, 'an alias in it names nothing, or aliases make it too large');
  }
}

function badFile(file: string, because: string): KennelError {
  return new KennelError({
    code: 'E_SPEC_INVALID',
    what: `${file} cannot be read as manifests`,
    because,
    so: 'nothing was converted',
    try: ['kubectl get vm NAME -o yaml prints a manifest'],
  });
}

/** What is printed is what `kennel vm create -f` takes: anything else is a defect of the conversion. */
async function checkObjects(objects: readonly VmFile[]): Promise<void> {
  for (const object of objects) {
    const parsed = await parseVmFile(stringify(object), { sharedPaths: [] });
    if (parsed.kind === 'ok') continue;
    const [problem] = parsed.problems;
    throw new KennelError({
      code: 'E_SPEC_INVALID',
      what: `VM ${object.name} would be no valid VM`,
      because: `${problem?.field ?? ''}: ${problem?.what ?? ''}`,
      so: 'nothing was converted',
      try: ['docs/vm-spec.md describes every field'],
    });
  }
}

function refusal({ refused }: Conversion): KennelError {
  const lines = refused.map((one) => {
    const value = one.value === undefined ? '' : ` (${one.value})`;
    const hint = one.try === '' ? '' : `; ${one.try}`;
    return `${one.file}: ${one.kind} ${one.name}: ${one.path}${value}: ${one.why}${hint}`;
  });
  const count = lines.length === 1 ? 'a field is' : `${lines.length} fields are`;
  return new KennelError({
    code: 'E_SPEC_INVALID',
    what: `${count} refused`,
    because: lines.join('\n           '),
    so: 'no VM file was made',
    try: [
      'kennel import kubevirt … --lose FIELD gives a field up',
      'docs/kubevirt.md has every field',
    ],
  });
}

/** One line for all leaves of a manifest that are lost for one reason. */
function lossLines({ losses }: Conversion): readonly string[] {
  const groups = new Map<string, string[]>();
  for (const { file, kind, name, severity, why, path } of losses) {
    const key = `${severity}: ${file}: ${kind} ${name}: ${why}: `;
    groups.set(key, [...(groups.get(key) ?? []), path]);
  }
  return [...groups].map(([key, [first = '', ...more]]) =>
    more.length === 0 ? `${key}${first}` : `${key}${first} and ${more.length} more`,
  );
}

async function siteMaps(call: Call, options: ImportOptions): Promise<SiteMaps> {
  const read = async <T>(
    option: string,
    given: readonly string[],
    parse: (text: string) => Entry<T>,
  ): Promise<ReadonlyMap<string, T>> => {
    const map = new Map<string, T>();
    for (const text of await entriesOf(call, given)) {
      const entry = parse(text);
      if (entry.kind === 'invalid') {
        throw usageError({
          what: `${option} has no usable value`,
          because: entry.because,
          try: ['kennel import kubevirt --help'],
        });
      }
      map.set(entry.name, entry.value);
    }
    return map;
  };
  return {
    pvc: await read('--pvc-map', options.pvcMap, diskEntry),
    image: await read('--image-map', options.imageMap, diskEntry),
    volume: await read('--volume-map', options.volumeMap, diskEntry),
    network: await read('--network-map', options.networkMap, networkEntry),
    node: await read('--node-map', options.nodeMap, nodeEntry),
    priority: await read('--priority-map', options.priorityMap, priorityEntry),
  };
}

/** `NAME=VALUE` as it is; `@FILE`, or a name without `=`, is a file of such lines. */
async function entriesOf(call: Call, given: readonly string[]): Promise<readonly string[]> {
  const lists = given.map(async (text) => {
    if (text.includes('=')) return [text];
    const lines = (await readText(call, text.replace(/^@/, ''))).split('\n');
    return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  });
  return (await Promise.all(lists)).flat();
}

async function readText(call: Call, file: string): Promise<string> {
  if (file === '-') return call.world.terminal.readInput(maxFileBytes);
  const path = resolve(call.world.workingDirectory, file);
  const { disk } = await call.world.env();
  const bytes = await disk.read(path).catch((cause: unknown) => {
    throw unreadable(path, cause instanceof Error ? cause.message : String(cause));
  });
  if (bytes === null) throw unreadable(path, 'there is no such file');
  if (bytes.length > maxFileBytes) throw unreadable(path, 'it is longer than 32MiB');
  return new TextDecoder().decode(bytes);
}

function unreadable(path: string, because: string): KennelError {
  return new KennelError({
    code: 'E_DATA_DIRECTORY',
    what: `${path} cannot be read`,
    because,
    so: 'nothing was converted',
    try: [`ls -l ${path}`],
  });
}
