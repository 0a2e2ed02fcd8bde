/** One entry of the log. `type` is the consensus core's affair; the log only keeps it. */
export interface LogEntry {
  readonly index: number;
  readonly term: number;
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** What a member must never forget: its term, its vote in it (0 = none), what is committed. */
export interface HardState {
  readonly term: number;
  readonly vote: number;
  readonly commit: number;
}

/** A snapshot of everything up to and including `index`. `crc` is that of its file's last record. */
export interface SnapshotMark {
  readonly index: number;
  readonly term: number;
  readonly crc: number;
}

/** index u64 · term u64 · type u8 · bytes. */
export function encodeEntry(entry: LogEntry): Uint8Array {
  const bytes = new Uint8Array(17 + entry.bytes.length);
  const view = new DataView(bytes.buffer);
  setInteger(view, 0, entry.index);
  setInteger(view, 8, entry.term);
  view.setUint8(16, entry.type);
  bytes.set(entry.bytes, 17);
  return bytes;
}

/** Null when the payload is too short. The entry's bytes are a copy. */
export function decodeEntry(payload: Uint8Array): LogEntry | null {
  if (payload.length < 17) return null;
  const view = viewOf(payload);
  return {
    index: getInteger(view, 0),
    term: getInteger(view, 8),
    type: view.getUint8(16),
    // A view would keep the whole segment in memory.
    bytes: payload.slice(17),
  };
}

/** term u64 · vote u64 · commit u64. */
export function encodeHardState(state: HardState): Uint8Array {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  setInteger(view, 0, state.term);
  setInteger(view, 8, state.vote);
  setInteger(view, 16, state.commit);
  return bytes;
}

/** Null when the payload has another length. */
export function decodeHardState(payload: Uint8Array): HardState | null {
  if (payload.length !== 24) return null;
  const view = viewOf(payload);
  return { term: getInteger(view, 0), vote: getInteger(view, 8), commit: getInteger(view, 16) };
}

/** index u64 · term u64 · crc u32. */
export function encodeMark(mark: SnapshotMark): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  setInteger(view, 0, mark.index);
  setInteger(view, 8, mark.term);
  view.setUint32(16, mark.crc, true);
  return bytes;
}

/** Null when the payload has another length. */
export function decodeMark(payload: Uint8Array): SnapshotMark | null {
  if (payload.length !== 20) return null;
  const view = viewOf(payload);
  return { index: getInteger(view, 0), term: getInteger(view, 8), crc: view.getUint32(16, true) };
}

/** Eight bytes, little-endian. Throws for fractions and negative numbers. */
export function setInteger(view: DataView, at: number, value: number): void {
  view.setBigUint64(at, BigInt(value), true);
}

/** What `setInteger` wrote; exact up to 2^53. */
export function getInteger(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

/** A view of exactly these bytes, wherever they lie in their buffer. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
