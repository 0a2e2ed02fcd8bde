import { afterAll, beforeAll, describe, it } from 'vitest';
import { cases, moreCases } from './cases.ts';
import { buildGuest, canBoot } from './guest.ts';

/** `npm run lab:watchdog`: one boot after the other, some minutes. */
describe.skipIf(!canBoot)('a real kernel with a watchdog, and the real petter', () => {
  let guest: Awaited<ReturnType<typeof buildGuest>>;
  beforeAll(async () => (guest = await buildGuest()));
  afterAll(() => guest?.remove());

  it.each(Object.entries({ ...cases, ...moreCases }))('%s', (_, run) => run(guest.initrd), 600_000);
});
