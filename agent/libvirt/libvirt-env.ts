import type { Env } from '../../src/env/env.ts';

/** The part of Env that the libvirt client needs. */
export type LibvirtEnv = Pick<Env, 'timers' | 'random' | 'log' | 'clock'>;
