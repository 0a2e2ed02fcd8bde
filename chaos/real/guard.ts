import { spawn } from 'node:child_process';
import { kennelCommand } from '../../deploy/lab/cluster/kennel-cluster.ts';

/**
 * Takes a lab down when this process is gone, however it ended: a process of its own waits for the
 * end of a pipe from here. Taking down what is down already does nothing.
 */
export function guardLab(directory: string): void {
  const down = [...kennelCommand, 'lab', '--dir', directory, '--prefix', 'kt', 'down'];
  const script = 'cat >/dev/null; exec "$@" >/dev/null 2>&1';
  const guard = spawn('/bin/sh', ['-c', script, 'sh', ...down], {
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.unref();
  // A pipe that is open keeps a process alive, which this one must not be kept by.
  if (guard.stdin !== null && 'unref' in guard.stdin) (guard.stdin as { unref(): void }).unref();
}
