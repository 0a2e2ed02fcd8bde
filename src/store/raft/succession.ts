import type { JsonValue } from '../../env/network.ts';
import type { DiskHealth } from '../store.ts';
import { roleOf, type Members } from './members.ts';

interface SuccessionParts {
  readonly self: number;
  readonly members: () => Members;
  readonly send: (to: number, message: JsonValue) => void;
  /** Whether a leading member has heard the other one lately. */
  readonly isHeard: (number: number) => boolean;
  /** Whether this member has a manager that leads or would lead. */
  readonly wants: () => boolean;
  readonly disk: () => DiskHealth;
}

/**
 * What members tell each other of themselves: how their disk fares, and whether they have a manager
 * that would lead, because whoever leads without one hands over to them.
 */
export class Succession {
  readonly #parts: SuccessionParts;
  readonly #wanting = new Set<number>();
  readonly #disks = new Map<number, DiskHealth>();

  constructor(parts: SuccessionParts) {
    this.#parts = parts;
  }

  note(from: number, wants: boolean, disk: DiskHealth | null): void {
    if (disk !== null) this.#disks.set(from, disk);
    if (wants) this.#wanting.add(from);
    else this.#wanting.delete(from);
  }

  /** Its word counts no more: it is gone, or says it again when it is back. */
  forget(number: number): void {
    this.#wanting.delete(number);
    this.#disks.delete(number);
  }

  /** Null = it has not said, or cannot be heard. */
  disk(number: number): DiskHealth | null {
    return this.#disks.get(number) ?? null;
  }

  membersChanged(): void {
    const { members } = this.#parts;
    for (const number of this.#wanting) {
      if (roleOf(members(), number) === null) this.#wanting.delete(number);
    }
  }

  /** Tells all others. Said again and again, because any message may be lost. */
  tell(): void {
    for (const { number } of this.#parts.members().list) this.tellOne(number);
  }

  tellOne(number: number): void {
    const { self, send, wants, disk } = this.#parts;
    if (number !== self) send(number, { kind: 'wants', wants: wants(), disk: { ...disk() } });
  }

  /**
   * The voter to hand over to; null when there is none. One that does not answer is passed over,
   * although its connection stands: a process that was stopped keeps its connections.
   */
  heir(): number | null {
    const { self, members, isHeard } = this.#parts;
    const voters = [...this.#wanting].filter((number) => roleOf(members(), number) === 'voter');
    const [heir] = voters
      .filter((number) => number !== self && isHeard(number))
      .sort((a, b) => a - b);
    return heir ?? null;
  }
}
