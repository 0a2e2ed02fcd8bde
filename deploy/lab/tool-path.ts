import { delimiter } from 'node:path';

/** Root's programs live in sbin, which is not on everybody's PATH. */
const systemDirectories = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** The PATH with which the lab looks for, and runs, every program. */
export function toolPath(): string {
  const own = (process.env['PATH'] ?? '').split(delimiter).filter((part) => part !== '');
  const more = systemDirectories.filter((directory) => !own.includes(directory));
  return [...own, ...more].join(delimiter);
}
