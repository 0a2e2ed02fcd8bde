import { writeSync } from 'node:fs';
import { argv } from 'node:process';
import { operationId } from '../../src/core/model/ids.ts';
import { realDisk } from '../../src/env/real/disk.ts';
import { openOn } from './file-harness.ts';

/*
 * Writes for ever in the store at argv[2], from argv[3] on, with several writers at once. Each
 * acknowledged write is told on stdout, synchronously, before the writer goes on.
 */

const directory = argv[2] ?? '';
const writers = Number(argv[3] ?? 4);

const limits = { segmentBytes: 16_384, snapshotEntries: 100, reserveBytes: 4096 };
const store = await openOn(realDisk(), { directory, limits });

async function write(writer: number): Promise<void> {
  const { item } = await store.get(`w${writer}/a`);
  for (let number = Number(item?.value ?? 0) + 1; ; number += 1) {
    const value = String(number);
    const outcome = await store.txn({
      operation: operationId(`w${writer}-${number}`),
      compare: [],
      then: [
        { kind: 'put', key: `w${writer}/a`, value },
        { kind: 'put', key: `w${writer}/b`, value },
      ],
    });
    if (outcome.kind !== 'committed') throw new Error(JSON.stringify(outcome));
    writeSync(1, `${writer} ${number} ${outcome.revision}\n`);
  }
}

await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
