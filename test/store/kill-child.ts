import { openSync, writeSync } from 'node:fs';
import { argv } from 'node:process';
import { operationId } from '../../src/core/model/ids.ts';
import { realDisk } from '../../src/env/real/disk.ts';
import { openOn } from './solo-harness.ts';

/*
 * Writes for ever in the store at argv[2] with argv[3] writers at once. Each acknowledged write is
 * noted in the file argv[4] before its writer goes on: a file, because it takes every line at once
 * and keeps it when this process is killed. The first one is also told on stdout.
 */

const directory = argv[2] ?? '';
const writers = Number(argv[3] ?? 4);
const notes = openSync(argv[4] ?? '', 'a');
let told = false;

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
    writeSync(notes, `${writer} ${number} ${outcome.revision}\n`);
    if (!told) writeSync(1, 'begun\n');
    told = true;
  }
}

await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
