import { z } from 'zod';

/** Names a call, so that making it again does not do it again. */
export const requestIdSchema = z
  .string()
  .regex(/^[\w.:-]{1,64}$/, 'up to 64 of A-Z a-z 0-9 _ . : -');
