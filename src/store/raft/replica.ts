import type { AnyConfChange } from '../../raft/conf-change.ts';
import type { ConfState, Entry } from '../../raft/types.ts';
import { decodeCommand } from '../command.ts';
import { decodeState, encodeState } from '../snapshot-codec.ts';
import { StateMachine } from '../state-machine.ts';
import type { WriteOutcome } from '../store.ts';
import { WatchHub } from '../watch-hub.ts';
import { decodeContext, noMembers, readMembers, withChange, type Members } from './members.ts';

export interface Applied {
  /** Who proposed it; null in an entry that nobody waits for. */
  readonly proposal: string | null;
  readonly outcome: WriteOutcome;
}

/** The state that this member has made of the committed entries: the keys, and who is a member. */
export class Replica {
  readonly hub: WatchHub;
  readonly #historyLimit: number;
  #machine: StateMachine;
  #members: Members = noMembers;

  constructor(historyLimit: number) {
    this.#historyLimit = historyLimit;
    this.#machine = new StateMachine({ historyLimit });
    this.hub = new WatchHub(this.#machine);
  }

  get machine(): StateMachine {
    return this.#machine;
  }

  get members(): Members {
    return this.#members;
  }

  /** Throws when a newer version wrote the entry. */
  apply(entry: Entry): Applied {
    if (entry.data === null) throw new Error(`entry ${entry.index} holds nothing to apply`);
    const command = decodeCommand(entry.data);
    const result = this.#machine.apply(command);
    this.hub.changed();
    const outcome: WriteOutcome =
      result.kind === 'committed'
        ? result
        : { kind: 'refused', because: 'compare', current: result.current, detail: '' };
    return { proposal: command.proposal, outcome };
  }

  /** The proposal id of the change; null when nobody waits for it. */
  applyChange(change: AnyConfChange, conf: ConfState): string | null {
    const { proposal, members } = decodeContext(change.context);
    this.#members = withChange(this.#members, conf, members);
    return proposal;
  }

  /** Puts a snapshot in the place of everything. Throws when a newer version wrote it. */
  replace(chunks: readonly Uint8Array[]): void {
    const state = decodeState(chunks);
    this.#members = readMembers(state.members);
    this.#machine = new StateMachine({ historyLimit: this.#historyLimit, from: state });
    this.hub.replaceMachine(this.#machine);
  }

  /** The state as it is now; later changes do not touch what the chunks hold. */
  freeze(): { readonly chunks: Iterable<Uint8Array>; readonly conf: ConfState } {
    const members = this.#members;
    return { chunks: encodeState(this.#machine.freeze(), members), conf: members.conf };
  }
}
