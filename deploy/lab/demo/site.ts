import type { EventView, FailoverView, StatusView } from '../../../src/api/schema/views.ts';

/** What somebody who watches the disks saw. Knows nothing of permits, managers or libvirt. */
export interface WitnessVerdict {
  readonly disks: number;
  /** Times at which two writers had one disk. */
  readonly overlaps: number;
  /** Disks that nobody writes to, although their VM should run. */
  readonly idle: readonly string[];
}

/** A cluster to tell the story on: real parts, or simulated ones of equal rank. */
export interface DemoSite {
  readonly simulated: boolean;
  /** One line on what it is made of. */
  readonly description: string;
  /** ISO wall clock of the site; virtual in the simulator. */
  now(): string;
  status(): Promise<StatusView>;
  /** Waits until it holds; throws when that takes too long. */
  until(what: string, holds: (view: StatusView) => boolean | Promise<boolean>): Promise<StatusView>;
  failovers(): Promise<readonly FailoverView[]>;
  eventsAfter(sequence: number): Promise<readonly EventView[]>;
  /** The plug: everything on the node is gone at once, without a farewell. */
  powerLoss(node: string): Promise<void>;
  /** Everything on the node stands still and may go on later. */
  freeze(node: string): Promise<void>;
  thaw(node: string): Promise<void>;
  powerOn(node: string): Promise<void>;
  witness(): Promise<WitnessVerdict>;
  close(): Promise<void>;
}
