import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  readAck,
  readHeartbeat,
  readPeerMessage,
  readProbe,
  readProbeEcho,
  readSightings,
} from './frequent-messages.ts';
import { peerMessageSchema } from './peer.ts';
import { probeEchoSchema, probeSchema } from './probe.ts';
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

const uuid = fc.uuid();
const sighting = {
  node: fc.stringMatching(/^[a-z0-9-]{1,65}$/),
  bootId: fc.option(uuid),
  ageMs: fc.option(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true })),
};
const sightings = {
  kind: fc.constant('sightings'),
  acknowledged: fc.option(count),
  nodes: fc.array(fc.oneof({ weight: 9, arbitrary: fc.record(sighting) }, spoilt(sighting)), {
    maxLength: 4,
  }),
};
const probe = { kind: fc.constant('probe'), sequence: count };
const probeEcho = { kind: fc.constant('probeEcho'), sequence: count, bootId: uuid };

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

test('what an agent saw of others is read just as the schema reads it, and nothing else is', () => {
  const many = fc.array(fc.record(sighting), { minLength: 63, maxLength: 66 });
  const all = fc.oneof(
    { weight: 20, arbitrary: fc.record(sightings) },
    { weight: 20, arbitrary: spoilt(sightings) },
    { weight: 1, arbitrary: fc.record({ ...sightings, nodes: many }) },
  );
  fc.assert(
    fc.property(all, (value) => {
      const parsed = agentMessageSchema.safeParse(value);
      const isSightings = parsed.success && parsed.data.kind === 'sightings';
      expect(readSightings(value)).toEqual(isSightings ? parsed.data : null);
    }),
    { numRuns: 1000 },
  );
});

test('a probe and its answer are read just as their schemas read them', () => {
  fc.assert(
    fc.property(fc.oneof(spoilt(probe), spoilt(probeEcho)), (value) => {
      const asked = probeSchema.safeParse(value);
      const answered = probeEchoSchema.safeParse(value);
      expect(readProbe(value)).toEqual(asked.success ? asked.data : null);
      expect(readProbeEcho(value)).toEqual(answered.success ? answered.data : null);
    }),
    { numRuns: 1000 },
  );
});
