import { readFileSync } from 'node:fs';

/** One process for good: a pid alone may be given to another process later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks since boot (field 22 of /proc/PID/stat). */
  readonly startTicks: number;
}

interface Stat {
  readonly state: string;
  readonly startTicks: number;
}

function readStat(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name is in parentheses and may hold spaces and parentheses itself.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [state] = fields;
    const startTicks = Number(fields[19]);
    return state === undefined || Number.isNaN(startTicks) ? null : { state, startTicks };
  } catch {
    return null;
  }
}

/** The identity of a live process; null when there is none, or only its zombie. */
export function identify(pid: number): ProcessIdentity | null {
  const stat = readStat(pid);
  return stat === null || stat.state === 'Z' ? null : { pid, startTicks: stat.startTicks };
}

export function alive(process: ProcessIdentity): boolean {
  return identify(process.pid)?.startTicks === process.startTicks;
}

/** True while SIGSTOP holds the process. */
export function stopped(pid: number): boolean {
  return readStat(pid)?.state === 'T';
}

/** Signals that very process. False when it is gone. */
export function signalProcess(target: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!alive(target)) return false;
  try {
    process.kill(target.pid, signal);
    return true;
  } catch {
    return false;
  }
}

/**
 * The pid that a process has in the innermost pid namespace below ours; null when it lives in
 * ours, or is gone.
 */
export function innerPid(pid: number): number | null {
  try {
    const line = /^NSpid:\s*(.+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
    const pids = line.split(/\s+/).map(Number);
    return pids.length < 2 ? null : (pids.at(-1) ?? null);
  } catch {
    return null;
  }
}
