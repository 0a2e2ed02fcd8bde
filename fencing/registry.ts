import type { FenceDriver } from './driver.ts';
import { fenceAgentDriver } from './drivers/fence-agent/driver.ts';
import { ipmiDriver } from './drivers/ipmi/driver.ts';
import { redfishDriver } from './drivers/redfish/driver.ts';

/** Finds the driver of a device kind; null for a kind that this version does not have. */
export interface FenceDrivers {
  driver(kind: string): FenceDriver | null;
  /** Kinds in alphabetical order, for messages and help. */
  kinds(): readonly string[];
}

/** The drivers that come with Kennel. */
export function builtinDrivers(): FenceDrivers {
  return driversOf([ipmiDriver, redfishDriver, fenceAgentDriver]);
}

/** A registry of the given drivers; throws when two of them claim one kind. */
export function driversOf(drivers: readonly FenceDriver[]): FenceDrivers {
  const byKind = new Map(drivers.map((driver) => [driver.kind, driver]));
  if (byKind.size !== drivers.length) throw new Error('two fence drivers of one kind');
  return {
    driver: (kind) => byKind.get(kind) ?? null,
    kinds: () => [...byKind.keys()].sort(),
  };
}
