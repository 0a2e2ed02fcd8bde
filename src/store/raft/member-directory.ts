import type { Disk } from '../../env/disk.ts';
import { damagedLog, emptyMember } from '../store-damaged.ts';

/** `member.json` in a store's directory: which member this is, for ever. */
export interface MemberIdentity {
  /** Given out once and never again; its id in consensus. */
  readonly number: number;
  readonly name: string;
  /**
   * True from joining until the first entry or snapshot of the others is durable. A member that has
   * lost its log must not come back under its id: it may have voted, or acknowledged what is gone.
   */
  readonly isJoining: boolean;
}

const fileName = 'member.json';

export async function writeIdentity(
  disk: Disk,
  directory: string,
  identity: MemberIdentity,
): Promise<void> {
  const text = `${JSON.stringify(identity)}\n`;
  const bytes = new TextEncoder().encode(text);
  await disk.replace(`${directory}/${fileName}`, bytes, { mode: 0o600 });
}

/** Null when there is no such file. Throws `StoreDamaged` for one that cannot be read. */
export async function readIdentity(disk: Disk, directory: string): Promise<MemberIdentity | null> {
  const path = `${directory}/${fileName}`;
  const bytes = await disk.read(path);
  if (bytes === null) return null;
  try {
    const { number, name, isJoining } = JSON.parse(
      new TextDecoder().decode(bytes),
    ) as Partial<MemberIdentity>;
    if (Number.isSafeInteger(number) && typeof name === 'string') {
      return { number: Number(number), name, isJoining: isJoining === true };
    }
  } catch {
    // Answered below, together with what is JSON and yet no identity.
  }
  throw damagedLog(path, 'it does not say which member of the store this is');
}

/** Throws `StoreDamaged` when a member that is no newcomer has no log. */
export function checkNotEmpty(
  directory: string,
  identity: MemberIdentity,
  isLogEmpty: boolean,
): void {
  if (isLogEmpty && !identity.isJoining) throw emptyMember(directory, identity.name);
}
