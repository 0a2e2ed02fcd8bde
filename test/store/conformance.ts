import { afterEach, beforeEach, describe } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { leadership } from './conformance-leadership.ts';
import { ambiguity, ending } from './conformance-outcomes.ts';
import type { StoreHarness, Subject } from './conformance-tools.ts';
import { reads, transactions } from './conformance-transactions.ts';
import { watches } from './conformance-watches.ts';

export type { StoreHarness } from './conformance-tools.ts';

/** What every driver must do. Run it for each one with a harness of its own. */
export function storeConformance(name: string, makeHarness: () => Promise<StoreHarness>): void {
  describe(`${name} store`, () => {
    let harness: StoreHarness;
    let store: Store;
    const subject: Subject = () => ({ harness, store });
    beforeEach(async () => {
      harness = await makeHarness();
      store = await harness.connect('one');
    });
    afterEach(() => harness.stop());

    describe('transactions', () => {
      transactions(subject);
    });
    describe('reads', () => {
      reads(subject);
    });
    describe('watches', () => {
      watches(subject);
    });
    describe('ambiguous writes', () => {
      ambiguity(subject);
    });
    describe('leadership', () => {
      leadership(subject);
    });
    describe('end', () => {
      ending(subject);
    });
  });
}
