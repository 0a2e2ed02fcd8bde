import { runCommand } from './command.ts';
import type { CommandOptions, CommandResult } from './command.ts';

/** Runs virsh against the libvirtd behind a socket, from outside of its node. */
export function virsh(
  socket: string,
  argv: readonly string[],
  options?: CommandOptions,
): Promise<CommandResult> {
  const uri = `qemu+unix:///system?socket=${socket}`;
  return runCommand(['virsh', '-q', '-k0', '-c', uri, ...argv], options);
}
