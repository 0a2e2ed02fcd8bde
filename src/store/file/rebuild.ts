import { decodeCommand } from '../command.ts';
import type { SegmentedLog } from '../log/segmented-log.ts';
import type { LoadedSnapshot } from '../log/recover.ts';
import { decodeState } from '../snapshot-codec.ts';
import { StateMachine } from '../state-machine.ts';
import { unknownVersion } from '../store-damaged.ts';

/** The state as the snapshot and the entries behind it make it. Every durable entry is committed. */
export function rebuildState(
  directory: string,
  log: SegmentedLog,
  snapshot: LoadedSnapshot | null,
  historyLimit: number,
): StateMachine {
  try {
    const from = snapshot === null ? null : decodeState(snapshot.chunks);
    const machine = new StateMachine(from === null ? { historyLimit } : { historyLimit, from });
    for (const entry of log.readFrom((snapshot?.index ?? 0) + 1)) {
      machine.apply(decodeCommand(entry.bytes));
    }
    return machine;
  } catch (error) {
    throw unknownVersion(directory, error instanceof Error ? error.message : String(error));
  }
}
