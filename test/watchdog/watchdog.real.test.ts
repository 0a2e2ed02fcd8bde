import { afterAll, beforeAll, describe, it } from 'vitest';
import { cases } from './cases.ts';
import { buildGuest, canBoot } from './guest.ts';

describe.skipIf(!canBoot).concurrent('a real kernel with an i6300esb, and the real petter', () => {
  let guest: Awaited<ReturnType<typeof buildGuest>>;
  beforeAll(async () => (guest = await buildGuest()));
  afterAll(() => guest?.remove());

  it.each(Object.entries(cases))('%s', (_, run) => run(guest.initrd), 600_000);
});
