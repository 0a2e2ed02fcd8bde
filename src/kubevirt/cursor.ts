import type { Severity } from './fields/row.ts';
import type { Ledger } from './ledger.ts';
import { isObject, type Path } from './leaf-path.ts';

/** A place in a manifest. What is read by it is taken, in the ledger; what has another form is refused. */
export class Cursor {
  readonly ledger: Ledger | null;
  readonly path: Path;
  readonly value: unknown;

  constructor(ledger: Ledger | null, path: Path, value: unknown) {
    this.ledger = ledger;
    this.path = path;
    this.value = value;
  }

  static of(ledger: Ledger): Cursor {
    return new Cursor(ledger, [], ledger.manifest.value);
  }

  /** A place where nothing is, for a manifest that is not there. */
  static readonly nowhere: Cursor = new Cursor(null, [], undefined);

  get exists(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  at(...keys: readonly string[]): Cursor {
    return keys.reduce<Cursor>((place, key) => {
      const { value } = place;
      const below = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
      return new Cursor(place.ledger, [...place.path, key], below);
    }, this);
  }

  items(): readonly Cursor[] {
    if (!this.exists) return [];
    if (!Array.isArray(this.value)) return this.#wrong('a list', []);
    return (this.value as readonly unknown[]).map(
      (item, index) => new Cursor(this.ledger, [...this.path, index], item),
    );
  }

  entries(): readonly (readonly [string, Cursor])[] {
    if (!this.exists) return [];
    if (!isObject(this.value)) return this.#wrong('a group of fields', []);
    return Object.keys(this.value).map((key) => [key, this.at(key)]);
  }

  text(): string | null {
    if (!this.exists) return null;
    if (typeof this.value !== 'string') return this.#wrong('text', null);
    this.take();
    return this.value === '' ? null : this.value;
  }

  /** A name of libvirt's or of a device: one word of at most `longest` characters. */
  word(longest: number): string | null {
    const text = this.text();
    if (text === null || (/^[A-Za-z0-9][\w.+/-]*$/.test(text) && text.length <= longest))
      return text;
    return this.#wrong(`a word of at most ${longest} characters`, null);
  }

  oneOf<const Word extends string>(words: readonly Word[]): Word | null {
    const text = this.text();
    const word = words.find((one) => one === text);
    if (text === null || word !== undefined) return word ?? null;
    return this.#wrong(`one of ${words.join(', ')}`, null);
  }

  flag(): boolean | null {
    if (!this.exists) return null;
    if (typeof this.value !== 'boolean') return this.#wrong('true or false', null);
    this.take();
    return this.value;
  }

  /** A whole number from `min` to `max`. */
  count(min: number, max: number): number | null {
    if (!this.exists) return null;
    const { value } = this;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
      return this.#wrong(`a whole number from ${min} to ${max}`, null);
    }
    this.take();
    return value;
  }

  /** An amount of Kubernetes: `4Gi`, `500m`, 2. */
  amount(): string | null {
    if (typeof this.value === 'number') {
      this.take();
      return String(this.value);
    }
    return this.text();
  }

  /** Whether a group of fields is given whose presence says something by itself. */
  isGiven(): boolean {
    if (!this.exists) return false;
    if (!isObject(this.value)) return this.#wrong('a group of fields', false);
    if (Object.keys(this.value).length === 0) this.take();
    return true;
  }

  /** A feature: given and not switched off by `enabled`. */
  isOn(): boolean {
    return this.isGiven() && (this.at('enabled').flag() ?? true);
  }

  take(): void {
    this.ledger?.take(this.path);
  }

  lose(severity: Severity, why: string): void {
    this.ledger?.lose(this.path, severity, why);
  }

  refuse(why: string, options: { readonly isFinal?: boolean; readonly try?: string } = {}): void {
    this.ledger?.refuse(this.path, why, options);
  }

  #wrong<T>(wanted: string, fallback: T): T {
    this.refuse(`is not ${wanted}`, { isFinal: true });
    return fallback;
  }
}
