import { z } from 'zod';
import { namePattern } from '../../core/model/ids.ts';

export const nameSchema = z
  .string()
  .regex(
    namePattern,
    'must be 1 to 63 lower-case letters, digits and inner dashes, for example db-1',
  );

export const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const uuidSchema = z.string().regex(uuidPattern, 'must be a UUID in lower case');

export const macSchema = z
  .string()
  .regex(
    /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/,
    'must be a MAC address in lower case, 52:54:00:12:34:56',
  );

export const portSchema = z.int().min(1).max(65_535);

export const absolutePathSchema = z
  .string()
  .regex(/^\/[^\0]*$/, 'must be an absolute path')
  .max(1024);

/** One text field of a message or record that people read. */
export const textSchema = z.string().max(4096);
