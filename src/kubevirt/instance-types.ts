import { Cursor } from './cursor.ts';
import type { Ledger } from './ledger.ts';

const kindsOf = {
  instancetype: { cluster: 'VirtualMachineClusterInstancetype', own: 'VirtualMachineInstancetype' },
  preference: { cluster: 'VirtualMachineClusterPreference', own: 'VirtualMachinePreference' },
} as const;

/** Instance types and preferences of the files, and which of them a VM uses. */
export class InstanceTypes {
  readonly #ledgers: readonly Ledger[];
  readonly #used = new Set<Ledger>();

  constructor(ledgers: readonly Ledger[]) {
    const known: readonly string[] = Object.values(kindsOf).flatMap(({ cluster, own }) => [
      cluster,
      own,
    ]);
    this.#ledgers = ledgers.filter((one) => known.includes(one.manifest.kind));
  }

  /** Those that no VM uses: nothing comes of them. */
  unused(): readonly Ledger[] {
    return this.#ledgers.filter((one) => !this.#used.has(one));
  }

  /** The spec that a VM's `instancetype` or `preference` names; nowhere when it names none. */
  find(spec: Cursor, what: 'instancetype' | 'preference', namespace: string): Cursor {
    const at = spec.at(what);
    if (!at.exists) return Cursor.nowhere;
    const kindAt = at.at('kind');
    const said = kindAt.text()?.toLowerCase() ?? null;
    const { cluster, own } = kindsOf[what];
    const kind = said === null || plain(said) === plain(cluster) ? cluster : own;
    if (said !== null && plain(said) !== plain(kind)) {
      kindAt.refuse('is no kind of that', { isFinal: true });
    }
    const nameAt = at.at('name');
    const name = nameAt.text();
    if (name === null) {
      if (!at.at('inferFromVolume').exists) nameAt.refuse('is missing', { isFinal: true });
      return Cursor.nowhere;
    }
    const found = this.#ledgers.find(
      ({ manifest }) =>
        manifest.kind === kind &&
        manifest.name === name &&
        (kind === cluster || manifest.namespace === namespace),
    );
    if (found === undefined) {
      nameAt.refuse(`is not among these files: no ${kind} has that name`, {
        isFinal: true,
        try: `kubectl get ${kind.toLowerCase()} ${name} -o yaml`,
      });
      return Cursor.nowhere;
    }
    this.#used.add(found);
    return Cursor.of(found).at('spec');
  }
}

/** Also the plural of a kind is taken, as by KubeVirt. */
function plain(kind: string): string {
  return kind.toLowerCase().replace(/s$/, '');
}
