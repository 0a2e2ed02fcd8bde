import { Argument, Command } from 'commander';
import type { LabHost } from './host-faults.ts';
import { parseHost, parseMs, parseShare } from './places.ts';
import { withLab } from './with-lab.ts';

function place(): Argument {
  return new Argument('<place>', 'node-1 or manager-1').argParser(parseHost);
}

function starveCommand(): Command {
  return new Command('starve')
    .description('leave a node, or a manager, a share of one CPU only')
    .addArgument(place())
    .addArgument(new Argument('<share>', 'for example 5%').argParser(parseShare))
    .action((host: LabHost, share: number, _flags: unknown, command: Command) =>
      withLab(command, async (lab) => {
        lab.setCpuShare(host, share);
        await Promise.resolve();
      }),
    );
}

function slowDiskCommand(): Command {
  return new Command('slow-disk')
    .description('let every sync of an agent, or a manager, take longer')
    .addArgument(place())
    .addArgument(new Argument('<ms>', 'by how much, for example 5000').argParser(parseMs))
    .action((host: LabHost, delayMs: number, _flags: unknown, command: Command) =>
      withLab(command, (lab) => lab.setDiskFault(host, { kind: 'slow', delayMs })),
    );
}

function fillDiskCommand(): Command {
  return new Command('fill-disk')
    .description("fill the disk of an agent's, or a manager's, state (needs `up --small-disks`)")
    .addArgument(place())
    .action((host: LabHost, _flags: unknown, command: Command) =>
      withLab(command, (lab) => lab.setDiskFault(host, { kind: 'full' })),
    );
}

/** The verbs that take CPU time and disks away; `heal` gives them back. */
export function resourceCommands(): readonly Command[] {
  return [starveCommand(), slowDiskCommand(), fillDiskCommand()];
}
