import { expect, test } from 'vitest';
import { noMembers, type Members } from './members.ts';
import { Succession } from './succession.ts';

const members: Members = {
  conf: { ...noMembers.conf, voters: [1, 2, 3], learners: [4] },
  list: [1, 2, 3, 4].map((number) => ({ number, name: `m${number}`, address: `m${number}:1` })),
};

const well = { lastSyncMs: 1, slowestSyncMs: 2, writeErrors: 0, logBytes: 64 };

function world(heard: readonly number[], wants = true) {
  const sent: [number, unknown][] = [];
  const succession = new Succession({
    self: 3,
    members: () => members,
    send: (to, message) => sent.push([to, message]),
    isHeard: (number) => heard.includes(number),
    wants: () => wants,
    disk: () => well,
  });
  return { succession, sent };
}

test('a member that said it would lead and answers no more is passed over for one that does', () => {
  const { succession } = world([2]);
  succession.note(1, true, null);
  succession.note(2, true, null);
  expect(succession.heir()).toBe(2);
});

test('nobody is an heir who does not want to lead, has no vote, or is this member itself', () => {
  const { succession } = world([1, 2, 3, 4]);
  for (const number of [1, 3, 4]) succession.note(number, true, null);
  succession.note(1, false, null);
  expect(succession.heir()).toBeNull();
});

test('all others are told, learners too', () => {
  const { succession, sent } = world([], false);
  succession.tell();
  expect(sent).toEqual([1, 2, 4].map((to) => [to, { kind: 'wants', wants: false, disk: well }]));
});

test('how a disk fares is known of a member that said so, until it cannot be heard', () => {
  const { succession } = world([]);
  succession.note(1, true, well);
  succession.note(1, true, null);
  expect([succession.disk(1), succession.disk(2)]).toEqual([well, null]);
  succession.forget(1);
  expect(succession.disk(1)).toBeNull();
});
