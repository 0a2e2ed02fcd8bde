import { expect, test } from 'vitest';
import { heartbeatRange, newestBeat, parseHeartbeats } from './heartbeat.ts';

function sector(beat: number, boots: number, tag: number): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.write('KENNELHB', 'latin1');
  bytes.writeUInt32LE(beat, 8);
  bytes.writeUInt32LE(boots, 12);
  bytes.writeUInt32LE(tag, 16);
  return bytes;
}

test('a disk that no guest has written to has no heartbeat', () => {
  const reading = parseHeartbeats(Buffer.alloc(heartbeatRange.length));
  expect(reading).toHaveLength(33);
  expect(reading.every((heartbeat) => heartbeat === null)).toBe(true);
});

test('the newest boot comes first, then the slots', () => {
  const bytes = Buffer.alloc(heartbeatRange.length);
  sector(7, 2, 0xfeedbeef).copy(bytes, 0);
  sector(9, 1, 5).copy(bytes, 512 * 2);
  const reading = parseHeartbeats(bytes);
  expect(reading[0]).toEqual({ beat: 7, boots: 2, tag: 0xfeedbeef });
  expect(reading[1]).toBeNull();
  expect(reading[2]).toEqual({ beat: 9, boots: 1, tag: 5 });
});

test('a short read has no heartbeat beyond its end', () => {
  const reading = parseHeartbeats(sector(1, 1, 1).subarray(0, 511));
  expect(reading[0]).toBeNull();
});

test('the newest beat is that of the slot of the newest boot, unless another guest wrote there', () => {
  const bytes = Buffer.alloc(heartbeatRange.length);
  expect(newestBeat(parseHeartbeats(bytes))).toBeNull();
  sector(5, 34, 7).copy(bytes, 0);
  expect(newestBeat(parseHeartbeats(bytes))).toMatchObject({ beat: 5 });
  sector(8, 34, 7).copy(bytes, 512 * (1 + 2));
  expect(newestBeat(parseHeartbeats(bytes))).toMatchObject({ beat: 8, tag: 7 });
  sector(9, 34, 6).copy(bytes, 512 * (1 + 2));
  expect(newestBeat(parseHeartbeats(bytes))).toMatchObject({ beat: 5, tag: 7 });
});
