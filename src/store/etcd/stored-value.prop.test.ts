import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { operationId, revision } from '../../core/model/ids.ts';
import { StateMachine } from '../state-machine.ts';
import type { Write } from '../store.ts';
import { finalWrites } from './final-writes.ts';
import type { WireKeyValue } from './rpc/messages.ts';
import {
  afterPut,
  decodeStored,
  encodeStored,
  keyValueOf,
  type StoredItem,
} from './stored-value.ts';

/** etcd's own account of one key. */
class NativeKey {
  revision = 1;
  kv: WireKeyValue | null = null;

  put(value: Uint8Array): void {
    this.revision += 1;
    const createRevision = this.kv?.createRevision ?? this.revision;
    this.kv = {
      key: new Uint8Array(),
      value,
      createRevision,
      modRevision: this.revision,
      lease: 0n,
    };
  }

  delete(): void {
    if (this.kv === null) return;
    this.revision += 1;
    this.kv = null;
  }

  item(): StoredItem | null {
    return this.kv === null ? null : decodeStored('k', this.kv);
  }
}

const write: fc.Arbitrary<Write> = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key: fc.constant('k'), value: fc.string() }),
  fc.record({ kind: fc.constant('delete' as const), key: fc.constant('k') }),
);

describe('what stands under a key', () => {
  test('tells value, revisions and operations as every other driver does, over any transactions', () => {
    const transactions = fc.array(fc.array(write, { minLength: 1, maxLength: 4 }), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(transactions, (history) => {
        const machine = new StateMachine({
          historyLimit: 10,
          from: { revision: revision(1), items: [] },
        });
        const native = new NativeKey();
        for (const [index, then] of history.entries()) {
          const operation = operationId(`op-${index}`);
          machine.apply({ operation, compare: [], then });
          const before = native.item();
          const final = finalWrites(then).get('k');
          let after = null;
          if (final?.kind === 'put') {
            const stored = { before, operation, isNew: final.isNew };
            native.put(encodeStored({ ...stored, value: final.value }));
            const { key, value } = native.item() ?? { key: '', value: '' };
            after = { key, value, ...afterPut(stored, revision(native.revision)) };
          } else {
            native.delete();
          }
          expect(native.item()).toEqual(after);
          expect(keyValueOf(native.item())).toEqual(machine.get('k'));
        }
      }),
    );
  });

  test('may be any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const native = new NativeKey();
        native.put(
          encodeStored({ value, operation: operationId('op'), before: null, isNew: false }),
        );
        expect(native.item()?.value).toBe(value);
      }),
    );
  });

  test.each(['', 'text', '{"a":1}\n', '\n', '[1]\nx'])(
    'that is not ours (%j) is said to be so',
    (text) => {
      const native = new NativeKey();
      native.put(new TextEncoder().encode(text));
      expect(() => native.item()).toThrow('other than Kennel');
    },
  );
});
