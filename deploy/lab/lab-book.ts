import { LabError } from './lab-error.ts';
import type { LabLayout } from './layout.ts';
import { readRecord, writeRecord } from './lab-record.ts';
import type { LabRecord } from './lab-record.ts';

/** The record of one lab, read anew each time: several commands may work on a lab in turn. */
export class LabBook {
  readonly layout: LabLayout;

  constructor(layout: LabLayout) {
    this.layout = layout;
  }

  /** @throws LabError LAB_DOWN when the lab is not up. */
  record(): LabRecord {
    const record = readRecord(this.layout.directory);
    if (record !== null) return record;
    throw new LabError(
      'LAB_DOWN',
      'there is no lab',
      `nothing in ${this.layout.directory}`,
      'run `kennel lab up`',
    );
  }

  /** Call it with the lab's lock held. */
  change(edit: (record: LabRecord) => LabRecord): LabRecord {
    const next = edit(this.record());
    writeRecord(this.layout.directory, next);
    return next;
  }
}
