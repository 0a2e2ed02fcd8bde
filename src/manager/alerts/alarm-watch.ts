import { nodeId } from '../../core/model/ids.ts';
import type { NewEvent } from '../../core/plan.ts';
import { ok } from '../../core/problem.ts';
import type { Env, Timer } from '../../env/env.ts';
import type { Store } from '../../store/store.ts';
import { keys } from '../keys.ts';
import type { Leader } from '../leader.ts';

/** How often it looks, in ms. What is so in two looks in a row is announced. */
const lookEveryMs = 5000;

/** The part of a finding that an alarm is about. */
interface Standing {
  readonly code: string;
  readonly subject: string;
  readonly text: string;
}

/** Findings that are no event when they begin, and the events that they become. */
const announced: Readonly<
  Record<string, { readonly begin: string; readonly end: string; readonly over: string }>
> = {
  NODE_UNFENCEABLE: {
    begin: 'NODE_UNPROTECTED',
    end: 'NODE_PROTECTED',
    over: 'its VMs are protected, or gone from it',
  },
  MANAGER_DOWN: { begin: 'MANAGER_LOST', end: 'MANAGER_BACK', over: 'it answers again' },
};

interface AlarmWatchOptions {
  readonly env: Env;
  readonly store: Pick<Store, 'get'>;
  readonly leader: Leader;
  findings(): readonly Standing[];
}

/**
 * Makes events of what is wrong for longer, so that the history has it and alerts tell it. What was
 * announced is in the store: a new leader announces it no second time, and its end once.
 */
export class AlarmWatch {
  readonly #options: AlarmWatchOptions;
  #timer: Timer | null = null;
  #raised: ReadonlySet<string> | null = null;
  #before: ReadonlySet<string> = new Set();
  #stopped = false;

  constructor(options: AlarmWatchOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#stopped) return;
    this.#timer = this.#options.env.timers.after(lookEveryMs, () => {
      void this.#look()
        .catch((error: unknown) => {
          this.#options.env.log.warn({ err: error }, 'what is wrong could not be announced');
        })
        .finally(() => this.start());
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const { leader } = this.#options;
    if (!leader.isLeading()) return;
    this.#raised ??= await this.#read();
    const now = new Map(
      this.#options
        .findings()
        .filter((finding) => finding.code in announced)
        .map((finding) => [`${finding.code} ${finding.subject}`, finding]),
    );
    const raised = this.#raised;
    const begun = [...now.keys()].filter((key) => this.#before.has(key) && !raised.has(key));
    const ended = [...raised].filter((key) => !now.has(key) && !this.#before.has(key));
    this.#before = new Set(now.keys());
    if (begun.length === 0 && ended.length === 0) return;
    const next = new Set([...raised, ...begun].filter((key) => !ended.includes(key)));
    const events = [
      ...begun.map((key) => beginning(now.get(key))),
      ...ended.map((key) => ending(key)),
    ];
    const written = await leader.mutate(
      (draft) => {
        for (const event of events) if (event !== null) draft.event(event);
        return ok(null);
      },
      {
        extra: () => ({ puts: [{ key: keys.alarms, value: JSON.stringify([...next].sort()) }] }),
      },
    );
    if (written.kind === 'ok') this.#raised = next;
  }

  async #read(): Promise<ReadonlySet<string>> {
    const { item } = await this.#options.store.get(keys.alarms);
    return new Set(item === null ? [] : (JSON.parse(item.value) as readonly string[]));
  }
}

function beginning(finding: Standing | undefined): NewEvent | null {
  if (finding === undefined) return null;
  const { code, subject, text } = finding;
  return {
    code: announced[code]?.begin ?? code,
    severity: 'warning',
    node: code === 'NODE_UNFENCEABLE' ? nodeId(subject) : null,
    vm: null,
    text: `${subject}: ${text}`,
  };
}

function ending(key: string): NewEvent {
  const [code = '', subject = ''] = key.split(' ');
  return {
    code: announced[code]?.end ?? code,
    severity: 'info',
    node: code === 'NODE_UNFENCEABLE' ? nodeId(subject) : null,
    vm: null,
    text: `${subject}: ${announced[code]?.over ?? 'it is over'}`,
  };
}
