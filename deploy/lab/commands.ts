import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { bmcFaultWords, parseBmcFault } from './bmc.ts';
import type { BmcFault } from './bmc.ts';
import type { LabNetwork } from './fabric.ts';
import type { LabPlace } from './lab.ts';
import { LabError } from './lab-error.ts';
import { faultCommands, healCommand } from './fault-commands.ts';
import { outletFaults, outletNames, type OutletFault, type OutletName } from './pdu.ts';
import { parseNode, parsePlace } from './places.ts';
import { describeStatus } from './status-text.ts';
import { upCommand } from './up-command.ts';
import { withLab } from './with-lab.ts';

function parseFault(text: string): BmcFault {
  const fault = parseBmcFault(text);
  if (fault !== null) return fault;
  throw new InvalidArgumentError(bmcFaultWords);
}

function downCommand(): Command {
  return new Command('down')
    .description('remove the lab with everything that belongs to it')
    .action((_flags: unknown, command: Command) =>
      withLab(command, async (lab) => {
        const report = await lab.down();
        const word = report.kind === 'down' ? 'down' : 'already down';
        console.log(`lab ${lab.layout.id} is ${word}`);
      }),
    );
}

function statusCommand(): Command {
  return new Command('status')
    .description('show nodes, BMCs, disks, managers and the faults in force')
    .addOption(new Option('-o, --output <format>', 'how to print it').choices(['text', 'json']))
    .action((flags: { output?: string }, command: Command) =>
      withLab(command, async (lab) => {
        const status = lab.status();
        const text =
          flags.output === 'json' ? JSON.stringify(status, null, 2) : describeStatus(status);
        console.log(text);
        if (!status.up) process.exitCode = 1;
        await Promise.resolve();
      }),
    );
}

function execCommand(): Command {
  return new Command('exec')
    .description('run a command inside a node, in the place of a manager, or in the fabric')
    .addArgument(new Argument('<place>', 'node-1, manager-1, fabric').argParser(parsePlace))
    .argument('<command...>', 'what to run; put -- before it')
    .action((place: LabPlace, argv: string[], _flags: unknown, command: Command) =>
      withLab(command, async (lab) => {
        process.exitCode = await lab.execInteractive(place, argv);
      }),
    );
}

function powerLossCommand(): Command {
  return new Command('power-loss')
    .description('cut the power of a node without a farewell to its peers')
    .addArgument(new Argument('<node>', 'for example node-1').argParser(parseNode))
    .option('--with-bmc', 'its BMC is gone too')
    .action((node: number, flags: { withBmc?: boolean }, command: Command) =>
      withLab(command, async (lab) => {
        if (flags.withBmc === true) await lab.setBmcFault(node, 'unreachable');
        await lab.node(node).powerLoss();
      }),
    );
}

function partitionCommand(): Command {
  const networks = ['management', 'storage', 'all'];
  return new Command('partition')
    .description('pull a cable of a node or manager')
    .addArgument(new Argument('<place>', 'node-1 or manager-1').argParser(parsePlace))
    .addOption(
      new Option('--network <which>', 'which cable').choices(networks).default('management'),
    )
    .action((place: LabPlace, flags: { network: LabNetwork | 'all' }, self: Command) =>
      withLab(self, async (lab) => {
        const { network } = flags;
        const cables: readonly LabNetwork[] =
          network === 'all' ? ['management', 'storage'] : [network];
        switch (place.kind) {
          case 'node':
            return lab.partition(place.node, cables);
          case 'manager':
            return lab.setManagerCable(place.manager, 'down');
          case 'fabric':
            throw new LabError(
              'LAB_OPTIONS',
              'partition',
              'the fabric has no cable',
              'name a node',
            );
        }
      }),
    );
}

function bmcFaultCommand(): Command {
  return new Command('bmc-fault')
    .description('choose how the BMC of a node misbehaves from now on')
    .addArgument(new Argument('<node>', 'for example node-1').argParser(parseNode))
    .addArgument(new Argument('<fault>', bmcFaultWords).argParser(parseFault))
    .action((node: number, fault: BmcFault, _flags: unknown, command: Command) =>
      withLab(command, (lab) => lab.setBmcFault(node, fault)),
    );
}

function outletFaultCommand(): Command {
  return new Command('pdu-fault')
    .description('make an outlet of a node (lab up --pdus) misbehave')
    .addArgument(new Argument('<node>', 'for example node-1').argParser(parseNode))
    .addArgument(new Argument('<outlet>', 'a or b').choices(outletNames))
    .addArgument(new Argument('<fault>', outletFaults.join(', ')).choices(outletFaults))
    .action(
      (node: number, outlet: OutletName, fault: OutletFault, _flags: unknown, command: Command) =>
        withLab(command, async (lab) => lab.setOutletFault(node, outlet, fault)),
    );
}

function wireBmcCommand(): Command {
  return new Command('wire-bmc')
    .description('swap BMC cables: at the address of one node answers the BMC of another')
    .addArgument(
      new Argument('<node>', 'at whose address, for example node-1').argParser(parseNode),
    )
    .addArgument(new Argument('<machine>', 'whose BMC; the same = as it was').argParser(parseNode))
    .action((node: number, machine: number, _flags: unknown, command: Command) =>
      withLab(command, (lab) => lab.wireBmc(node, machine)),
    );
}

/** `kennel lab`: a lab of libvirt nodes on this machine, and the faults to try on it. */
export function labCommand(): Command {
  const lab = new Command('lab')
    .description('a whole cluster of libvirt nodes with BMCs on this machine (needs root)')
    .option('--dir <directory>', 'state of the lab; one lab per directory')
    .option('--prefix <letters>', 'first letters of all names the lab makes (default: kl)')
    .option('--subnet <a.b.c>', 'its management network (default: 10.77.0)');
  lab.addCommand(upCommand()).addCommand(downCommand());
  lab.addCommand(statusCommand()).addCommand(execCommand());
  for (const command of faultCommands()) lab.addCommand(command);
  lab.addCommand(powerLossCommand()).addCommand(partitionCommand()).addCommand(healCommand());
  return lab
    .addCommand(bmcFaultCommand())
    .addCommand(outletFaultCommand())
    .addCommand(wireBmcCommand());
}
