import { expect, test } from 'vitest';
import { bootId } from '../src/core/model/ids.ts';
import { isOfBoot, newIncarnationId } from './incarnation.ts';

const boot = bootId('22222222-2222-4222-8222-222222222222');

function randomOf(...uuids: string[]) {
  return { fraction: () => 0, uuid: () => uuids.shift() ?? 'none left' };
}

test('an incarnation id is the boot id and a nonce', () => {
  const random = randomOf('01234567-89ab-4cde-8000-000000000000');
  expect(newIncarnationId(boot, random, null)).toBe(`${boot}.0123456789ab`);
});

test('a nonce that was used by the start before is not used again', () => {
  const random = randomOf(
    '01234567-89ab-4cde-8000-000000000000',
    'ffffffff-ffff-4fff-8000-000000000000',
  );
  expect(newIncarnationId(boot, random, `${boot}.0123456789ab`)).toBe(`${boot}.ffffffffffff`);
});

test('an incarnation belongs to the boot that it names', () => {
  expect(isOfBoot(`${boot}.0123456789ab`, boot)).toBe(true);
  expect(isOfBoot('33333333-3333-4333-8333-333333333333.0123456789ab', boot)).toBe(false);
  expect(isOfBoot(boot, boot)).toBe(false);
});
