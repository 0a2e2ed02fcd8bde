import type { Env } from '../../src/env/env.ts';
import type { FenceContext, FenceDriver, FenceErrorCode } from '../../fencing/driver.ts';

/** What can be wrong with a fence device, in the order in which it is reported. */
export const faults = [
  'ok',
  'wrong password',
  'unreachable',
  'slow',
  'stuck',
  'lying on',
  'lying off',
  'busy',
  'dies mid-operation',
  'session exhaustion',
  'already off',
] as const;

export type Fault = (typeof faults)[number];

/** A device of a test that is set up and running. */
export interface Stand {
  readonly driver: FenceDriver;
  readonly settings: FenceContext['settings'];
  readonly secrets: Readonly<Record<string, string>>;
  /** A credential that the device does not take. */
  readonly wrongSecrets: Readonly<Record<string, string>>;
  /** The world in which the driver is used. */
  envOf(env: Env): Env;
  /** Brings the fault about. `during` runs while `off` is under way. */
  inflict(fault: Fault): Promise<{ readonly during?: () => Promise<void> }>;
  /** What another program reads of the device; null = there is none here. */
  crossRead?(): Promise<'on' | 'off' | 'nothing' | null>;
  /** The truth. */
  power(): 'on' | 'off';
  /** How often the device executed `off`, or was told to and claimed to. */
  offs(): number;
  stop(): Promise<void>;
}

export interface Device {
  readonly name: string;
  /** Why it cannot be tried here, or null. */
  readonly missing: string | null;
  /** Faults that it cannot have, with the reason. */
  readonly without: Partial<Readonly<Record<Fault, string>>>;
  /** Codes that are right for this device beside the usual ones, because it tells no more. */
  readonly coarse: Partial<Readonly<Record<Fault, readonly FenceErrorCode[]>>>;
  start(): Promise<Stand>;
}
