import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readAck, readHeartbeat, readPeerMessage } from './frequent-messages.ts';
import { peerMessageSchema } from './peer.ts';
import { agentMessageSchema, managerMessageSchema } from './session.ts';

/** What a field may hold that was meant to be something else. */
const wrong = fc.oneof(
  fc.constantFrom(
    undefined,
    null,
    '',
    'x'.repeat(129),
    true,
    -1,
    0.5,
    -0,
    2 ** 53,
    Number.POSITIVE_INFINITY,
    Number.NaN,
  ),
  fc.array(fc.integer(), { maxLength: 1 }),
  fc.object({ maxDepth: 1 }),
);
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });

const heartbeat = {
  kind: fc.constant('heartbeat'),
  sequence: count,
  sentAtMs: fc.double({ noNaN: true, noDefaultInfinity: true }),
  acknowledged: fc.option(count),
};
const ack = {
  kind: fc.constant('ack'),
  sequence: count,
  epoch: count,
  incarnation: fc.string({ minLength: 1, maxLength: 128 }),
  lease: fc.boolean(),
};

const peerMessage = {
  kind: fc.constantFrom('peerPing', 'peerPong'),
  name: fc.oneof(fc.stringMatching(/^[a-z0-9-]{1,65}$/), fc.string()),
  revision: count,
  leading: fc.option(count),
};

/** Some fields right, some wrong, some missing, some unknown. */
function spoilt(fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<unknown> {
  const mixed = Object.fromEntries(
    Object.entries(fields).map(([name, right]) => [
      name,
      fc.oneof({ weight: 6, arbitrary: right }, { weight: 1, arbitrary: wrong }),
    ]),
  );
  return fc.oneof(wrong, fc.record({ ...mixed, later: fc.integer() }, { requiredKeys: [] }));
}

test('a heartbeat is read just as the schema reads it, and nothing else is', () => {
  fc.assert(
    fc.property(fc.oneof(fc.record(heartbeat), spoilt(heartbeat)), (value) => {
      const parsed = agentMessageSchema.safeParse(value);
      const isHeartbeat = parsed.success && parsed.data.kind === 'heartbeat';
      expect(readHeartbeat(value)).toEqual(isHeartbeat ? parsed.data : null);
    }),
    { numRuns: 1000 },
  );
});

test('an answer to a heartbeat is read just as the schema reads it, and nothing else is', () => {
  fc.assert(
    fc.property(fc.oneof(fc.record(ack), spoilt(ack)), (value) => {
      const parsed = managerMessageSchema.safeParse(value);
      const isAck = parsed.success && parsed.data.kind === 'ack';
      expect(readAck(value)).toEqual(isAck ? parsed.data : null);
    }),
    { numRuns: 1000 },
  );
});

test('what a manager says of itself is read just as the schema reads it', () => {
  fc.assert(
    fc.property(fc.oneof(fc.record(peerMessage), spoilt(peerMessage)), (value) => {
      const parsed = peerMessageSchema.safeParse(value);
      expect(readPeerMessage(value)).toEqual(parsed.success ? parsed.data : null);
    }),
    { numRuns: 1000 },
  );
});
