import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Ticks per second of the times in `/proc`: fixed on every architecture that runs VMs. */
const ticksPerS = 100;

export interface ProcessStat {
  readonly pid: number;
  /** The kernel's short name, 15 characters at most. */
  readonly comm: string;
  readonly state: string;
  readonly threads: number;
  /** Start on the boot-time clock, ms; with the pid it names one process of this boot for good. */
  readonly startedMs: number;
}

/** Numbers of all processes. */
export function pids(root: string): readonly number[] {
  return readdirSync(root)
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid > 0);
}

/** Null = there is no such process. Takes no lock that a process stuck in its storage may hold. */
export function statOf(root: string, pid: number): ProcessStat | null {
  const text = readOrNull(`${root}/${pid}/stat`);
  if (text === null) return null;
  // The name stands in brackets and may contain any of both.
  const end = text.lastIndexOf(')');
  const comm = text.slice(text.indexOf('(') + 1, end);
  const fields = text.slice(end + 2).split(' ');
  return {
    pid,
    comm,
    state: fields[0] ?? '?',
    threads: Number(fields[17] ?? 0),
    startedMs: (Number(fields[19] ?? 0) * 1000) / ticksPerS,
  };
}

/** Its arguments; empty once its memory is gone, which is before its files are closed. */
export function argumentsOf(root: string, pid: number): readonly string[] {
  const text = readOrNull(`${root}/${pid}/cmdline`);
  return text === null || text === '' ? [] : text.replace(/\0$/, '').split('\0');
}

/** Its control group. */
export function groupOf(root: string, pid: number | 'self'): string | null {
  return readOrNull(`${root}/${pid}/cgroup`);
}

/** Numbers of its descriptors that are open on a file. */
export function descriptorsOn(root: string, pid: number, file: string): readonly string[] {
  try {
    const directory = `${root}/${pid}/fd`;
    return readdirSync(directory).filter((fd) => {
      try {
        return readlinkSync(`${directory}/${fd}`) === file;
      } catch {
        return false;
      }
    });
  } catch {
    return [];
  }
}

/** A process that ended, or one that somebody else's files keep us from seeing, reads as null. */
function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
