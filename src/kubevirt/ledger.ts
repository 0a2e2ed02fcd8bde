import { kinds, foreignKind, noKind, unknownKind, type Kind } from './fields/kinds.ts';
import type { Row, Severity } from './fields/row.ts';
import { RowTree } from './fields/row-tree.ts';
import { isObject, isWithin, leavesOf, pathText, type Leaf, type Path } from './leaf-path.ts';
import type { Manifest } from './manifest.ts';

interface Place {
  readonly file: string;
  readonly kind: string;
  /** `metadata.name`, empty where there is none. */
  readonly name: string;
  readonly path: string;
  /** Left out where it may be a secret, or is long. */
  readonly value?: string | number | boolean;
  readonly why: string;
}

/** A field whose meaning is not in the VMs that were made, wholly or in part. */
export interface Loss extends Place {
  readonly severity: Severity;
}

/** A field for which nothing is made, because losing it would not be safe. */
export interface Refusal extends Place {
  /** What to do about it; empty where there is nothing but changing the manifest. */
  readonly try: string;
}

interface RefusalOptions {
  /** There is nothing that could be made without it, so --lose does not help. */
  readonly isFinal?: boolean;
  readonly try?: string;
}

/**
 * The books of one manifest: each leaf is taken, lost or refused, and nothing is left when they are
 * closed. What the code that converts does not touch is decided by the field table.
 */
export class Ledger {
  readonly manifest: Manifest;
  /** Whether the field table speaks of it. */
  readonly isOfKnownKind: boolean;
  readonly #tree: RowTree;
  readonly #lose: readonly string[];
  readonly #leaves: readonly Leaf[];
  readonly #taken = new Set<string>();
  readonly #losses = new Map<string, Loss>();
  readonly #refusals = new Map<string, Refusal>();
  readonly #refusedPaths: Path[] = [];

  /** @param lose fields that a person gives up: runs of path steps, `devices.gpus`. */
  constructor(manifest: Manifest, lose: readonly string[]) {
    this.manifest = manifest;
    this.#lose = lose;
    this.#leaves = leavesOf(manifest.value);
    const kind = kindOf(manifest);
    this.isOfKnownKind = kinds.includes(kind);
    this.#tree = treeOf(kind);
  }

  get isRefused(): boolean {
    return this.#refusals.size > 0;
  }

  /** Its meaning is in what is made. */
  take(path: Path): void {
    this.#taken.add(pathText(path));
  }

  /** Whether a person gives this field up. */
  isGivenUp(path: Path): boolean {
    const text = pathText(path);
    return this.#lose.some((given) => hasRun(text, given) || hasRun(withoutNumbers(text), given));
  }

  /** Every leaf at or below it. It may be taken as well: then only a part of its meaning is lost. */
  lose(path: Path, severity: Severity, why: string): void {
    for (const leaf of this.#below(path)) this.#addLoss(leaf.path, severity, why);
  }

  refuse(path: Path, why: string, options: RefusalOptions = {}): void {
    if (options.isFinal !== true && this.isGivenUp(path)) {
      this.lose(path, 'weaker', `${why}; given up by --lose`);
      return;
    }
    this.#refusedPaths.push(path);
    const key = `${pathText(path)}\0${why}`;
    if (this.#refusals.has(key)) return;
    this.#refusals.set(key, { ...this.#place(path, why), try: options.try ?? '' });
  }

  /** Decides what nobody touched. Of a manifest that nothing uses, all of it is lost for that reason. */
  close(unused: string | null = null): void {
    for (const leaf of this.#leaves) {
      if (this.#isSettled(leaf.path)) continue;
      if (isNothing(leaf.value)) this.take(leaf.path);
      else if (unused === null) this.#decide(leaf);
      else this.#addLoss(leaf.path, 'note', unused);
    }
  }

  losses(): readonly Loss[] {
    return [...this.#losses.values()];
  }

  refusals(): readonly Refusal[] {
    return [...this.#refusals.values()];
  }

  #decide({ path, value }: Leaf): void {
    const { row, isKnown } = this.#tree.find(path);
    if (row === null) {
      if (isKnown && isEmpty(value)) this.take(path);
      else if (isKnown) this.refuse(path, 'is not of the form that KubeVirt gives it');
      else this.refuse(path, 'there is no such field in KubeVirt, as far as is known here');
      return;
    }
    if (row.harmless.includes(value)) this.take(path);
    else if (row.verdict === 'refused') this.refuse(path, row.why);
    else if (row.verdict === 'mapped') {
      if (isEmpty(value)) this.take(path);
      else this.refuse(path, 'means nothing in this place, or has a form that is not known');
    } else this.#addLoss(path, row.verdict, row.why);
  }

  #isSettled(path: Path): boolean {
    const key = pathText(path);
    return (
      this.#taken.has(key) ||
      this.#losses.has(key) ||
      this.#refusedPaths.some((refused) => isWithin(path, refused))
    );
  }

  #below(path: Path): readonly Leaf[] {
    return this.#leaves.filter((leaf) => isWithin(leaf.path, path) && !isNothing(leaf.value));
  }

  #addLoss(path: Path, severity: Severity, why: string): void {
    const key = pathText(path);
    const before = this.#losses.get(key);
    if (before?.severity === 'weaker') return;
    this.#losses.set(key, { ...this.#place(path, why), severity });
  }

  #place(path: Path, why: string): Place {
    const { file, kind, name, base } = this.manifest;
    const value = shown(valueAt(this.manifest.value, path), this.#tree.exact(path));
    const place = { file, kind, name, path: pathText([...base, ...path]) };
    return value === null ? { ...place, why } : { ...place, value, why };
  }
}

const trees = new Map<Kind, RowTree>();

function treeOf(kind: Kind): RowTree {
  const known = trees.get(kind) ?? new RowTree(kind.rows);
  trees.set(kind, known);
  return known;
}

/** The part of the field table that speaks of a manifest. */
function kindOf({ kind, group }: Manifest): Kind {
  const known = kinds.find((one) => one.kind === kind && one.group === group);
  if (known !== undefined) return known;
  if (kind === '') return noKind;
  const isTheirs = group === 'kubevirt.io' || group.endsWith('.kubevirt.io');
  if (isTheirs && !harmlessGroups.has(group) && !kind.endsWith('List')) return unknownKind;
  return foreignKind;
}

/** Groups of KubeVirt that hold no machines: disks, snapshots, exports, copies. */
const harmlessGroups: ReadonlySet<string> = new Set([
  'cdi.kubevirt.io',
  'snapshot.kubevirt.io',
  'export.kubevirt.io',
  'clone.kubevirt.io',
  'backup.kubevirt.io',
]);

function isNothing(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}

function isEmpty(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, part) => {
    if (Array.isArray(at)) return typeof part === 'number' ? (at as unknown[])[part] : undefined;
    return isObject(at) ? at[part] : undefined;
  }, value);
}

/** Only what the table names, and says to be no secret, is ever shown: below it anything may stand. */
function shown(value: unknown, row: Row | null): string | number | boolean | null {
  if (row === null || row.isSecret) return null;
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  return typeof value === 'string' && /^[^\n]{0,100}$/.test(value) ? value : null;
}

function withoutNumbers(text: string): string {
  return text.replaceAll(/\[\d+\]/g, '[]');
}

/** Whether `run` stands in `text` from one step to another: `b[0]` in `a.b[0].c`, not in `a.b[0]c`. */
function hasRun(text: string, run: string): boolean {
  const at = run === '' ? -1 : `.${text}`.indexOf(`.${run}`);
  if (at < 0) return false;
  const after = `.${text}`.slice(at + 1 + run.length);
  return after === '' || after.startsWith('.') || after.startsWith('[');
}
