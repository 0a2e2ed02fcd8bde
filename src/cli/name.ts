import { nameSchema } from '../api/schema/primitives.ts';
import { usageError } from './usage.ts';

/** Throws `E_USAGE` for what no node or manager can be called. */
export function checkName(noun: 'node' | 'manager', name: string): void {
  if (nameSchema.safeParse(name).success) return;
  throw usageError({
    what: `"${name}" cannot be the name of a ${noun}`,
    because: 'a name has 1 to 63 lower-case letters, digits and inner dashes',
    try: [`--${noun === 'node' ? 'node' : 'name'} ${noun}-4`],
  });
}
