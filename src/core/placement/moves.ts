import type { NodeId } from '../model/ids.ts';
import type { SnapshotVm } from './snapshot.ts';

/** One running VM that should be elsewhere. */
export interface Move {
  readonly vm: SnapshotVm;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly because: string;
  /** A strict rule is broken where it is. */
  readonly isStrict: boolean;
  readonly cause: 'rules' | 'balance';
  /** Name of the group that goes as one; absent = it goes alone. */
  readonly unit?: string | undefined;
}
