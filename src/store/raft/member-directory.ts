import { crc32 } from 'node:zlib';
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

/** The checksum keeps a turned bit from making this member another one, which votes a second time. */
interface StoredIdentity extends MemberIdentity {
  readonly crc: number;
}

const fileName = 'member.json';

const crcOf = ({ number, name, isJoining }: MemberIdentity): number =>
  crc32(JSON.stringify([number, name, isJoining]));

export async function writeIdentity(
  disk: Disk,
  directory: string,
  identity: MemberIdentity,
): Promise<void> {
  const { number, name, isJoining } = identity;
  const text = `${JSON.stringify({ number, name, isJoining, crc: crcOf(identity) })}\n`;
  const bytes = new TextEncoder().encode(text);
  await disk.replace(`${directory}/${fileName}`, bytes, { mode: 0o600 });
}

/** Null when there is no such file. Throws `StoreDamaged` for one that cannot be read. */
export async function readIdentity(disk: Disk, directory: string): Promise<MemberIdentity | null> {
  const path = `${directory}/${fileName}`;
  const bytes = await disk.read(path);
  if (bytes === null) return null;
  try {
    const { crc, ...rest } = JSON.parse(new TextDecoder().decode(bytes)) as Partial<StoredIdentity>;
    const identity = {
      number: Number(rest.number),
      name: String(rest.name),
      isJoining: rest.isJoining === true,
    };
    if (crc === crcOf(identity)) return identity;
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
