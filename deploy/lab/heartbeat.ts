/** Where the heartbeat guest writes; see guest/heartbeat.S. */
const sectorBytes = 512;
const slotCount = 32;
const magic = 'KENNELHB';

/** One writer of a disk: one boot of one guest. */
export interface Writer {
  /** How many boots the disk had seen when this one began, itself included. */
  readonly boots: number;
  /** Drawn at boot: tells apart two guests that booted from the same state. */
  readonly tag: number;
}

export interface Heartbeat extends Writer {
  /** Counts the writes of this boot. */
  readonly beat: number;
}

/** The heartbeats of one disk at one moment: that of the newest boot, then one for each slot. */
export type DiskReading = readonly (Heartbeat | null)[];

/** The part of a disk that holds heartbeats. */
export const heartbeatRange = {
  position: sectorBytes,
  length: sectorBytes * (1 + slotCount),
} as const;

/** Decodes the bytes of `heartbeatRange`. A sector that no guest has written yet is null. */
export function parseHeartbeats(bytes: Uint8Array): DiskReading {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: 1 + slotCount }, (_, index) => {
    const at = index * sectorBytes;
    if (view.length < at + sectorBytes) return null;
    if (view.toString('latin1', at, at + magic.length) !== magic) return null;
    return {
      beat: view.readUInt32LE(at + 8),
      boots: view.readUInt32LE(at + 12),
      tag: view.readUInt32LE(at + 16),
    };
  });
}

/** The last heartbeat of the newest boot; null before the first boot. */
export function newestBeat(reading: DiskReading): Heartbeat | null {
  const newest = reading[0] ?? null;
  if (newest === null) return null;
  const slot = reading[1 + (newest.boots % slotCount)] ?? null;
  return slot !== null && slot.tag === newest.tag ? slot : newest;
}
