import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { parseBmcFault } from './bmc.ts';
import type { BmcFault } from './bmc.ts';
import type { LabNetwork } from './fabric.ts';
import type { Lab, LabPlace } from './lab.ts';
import { LabError } from './lab-error.ts';
import { managerName } from './layout.ts';
import type { LabNode } from './node-machine.ts';
import { describeStatus } from './status-text.ts';
import { upCommand } from './up-command.ts';
import { withLab } from './with-lab.ts';

function parsePlace(text: string): LabPlace {
  const [, kind = 'node', digits = ''] = /^(?:(node|manager)-)?([1-9]\d?)$/.exec(text) ?? [];
  if (text === 'fabric') return { kind: 'fabric' };
  if (digits === '') throw new InvalidArgumentError('for example node-1, manager-1 or fabric');
  const number = Number(digits);
  return kind === 'manager' ? { kind, manager: number } : { kind: 'node', node: number };
}

function parseNode(text: string): number {
  const place = parsePlace(text);
  if (place.kind !== 'node') throw new InvalidArgumentError('a node, for example node-1');
  return place.node;
}

function parseHost(text: string): Exclude<LabPlace, { kind: 'fabric' }> {
  const place = parsePlace(text);
  if (place.kind !== 'fabric') return place;
  throw new InvalidArgumentError('the fabric is no machine');
}

function parseFault(text: string): BmcFault {
  const fault = parseBmcFault(text);
  if (fault !== null) return fault;
  throw new InvalidArgumentError('ok, stuck, fail, lie, unreachable, or for example slow:3');
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

interface NodeVerb {
  readonly name: string;
  readonly description: string;
  run(node: LabNode, lab: Lab): Promise<void>;
  /** The same for the process of a manager; absent where it makes no sense. */
  readonly onManager?: (name: string, lab: Lab) => Promise<void>;
}

function signalLibvirt(node: LabNode, signal: NodeJS.Signals): void {
  if (node.signalService('libvirtd', signal)) return;
  throw new LabError(
    'LAB_NO_SERVICE',
    `libvirtd of ${node.name}`,
    'it does not run',
    'see `kennel lab status`',
  );
}

const nodeVerbs: readonly NodeVerb[] = [
  {
    name: 'kill',
    description: 'kill all processes of a node; its peers see connections close',
    run: (node) => node.kill(),
    onManager: (name, lab) => lab.process(name).kill(),
  },
  {
    name: 'power-on',
    description: 'press the power button of a node; its services boot with it',
    run: (node) => node.powerOn(),
    onManager: async (name, lab) => void (await lab.restartProcess(name)),
  },
  {
    name: 'freeze',
    description: 'stop a node in its tracks; it may come back',
    run: (node) => node.freeze(),
    onManager: (name, lab) => lab.process(name).freeze(),
  },
  {
    name: 'thaw',
    description: 'let a frozen node run on as if nothing had happened',
    run: (node) => node.thaw(),
    onManager: (name, lab) => lab.process(name).thaw(),
  },
  {
    name: 'hang-libvirt',
    description: 'stop libvirtd of a node; its VMs run on',
    run: async (node) => {
      await Promise.resolve(signalLibvirt(node, 'SIGSTOP'));
    },
  },
  {
    name: 'unhang-libvirt',
    description: 'let libvirtd of a node run on',
    run: async (node) => {
      await Promise.resolve(signalLibvirt(node, 'SIGCONT'));
    },
  },
];

function nodeCommand(verb: NodeVerb): Command {
  return new Command(verb.name)
    .description(verb.description)
    .addArgument(
      verb.onManager === undefined
        ? new Argument('<node>', 'for example node-1').argParser(parseHost)
        : new Argument('<place>', 'node-1 or manager-1').argParser(parseHost),
    )
    .action((place: Exclude<LabPlace, { kind: 'fabric' }>, _flags: unknown, command: Command) =>
      withLab(command, (lab) => {
        if (place.kind === 'node') return verb.run(lab.node(place.node), lab);
        const name = managerName(place.manager);
        if (verb.onManager !== undefined) return verb.onManager(name, lab);
        throw new LabError('LAB_OPTIONS', verb.name, `${name} is no node`, 'name a node');
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

function cableCommand(name: 'partition' | 'heal'): Command {
  const link = name === 'heal' ? 'up' : 'down';
  const command = new Command(name)
    .description(name === 'heal' ? 'plug in all cables' : 'pull a cable of a node or manager')
    .addArgument(new Argument('<place>', 'node-1 or manager-1').argParser(parsePlace));
  if (name === 'partition') {
    const networks = ['management', 'storage', 'all'];
    command.addOption(
      new Option('--network <which>', 'which cable').choices(networks).default('management'),
    );
  }
  return command.action((place: LabPlace, flags: { network?: string }, self: Command) =>
    withLab(self, async (lab) => {
      const one = flags.network as LabNetwork | 'all' | undefined;
      const networks: readonly LabNetwork[] =
        one === undefined || one === 'all' ? ['management', 'storage'] : [one];
      switch (place.kind) {
        case 'node':
          return lab.node(place.node).setCables(networks, link);
        case 'manager':
          return lab.setManagerCable(place.manager, link);
        case 'fabric':
          throw new LabError('LAB_OPTIONS', name, 'the fabric has no cable', 'name a node');
      }
    }),
  );
}

function bmcFaultCommand(): Command {
  return new Command('bmc-fault')
    .description('choose how the BMC of a node misbehaves from now on')
    .addArgument(new Argument('<node>', 'for example node-1').argParser(parseNode))
    .addArgument(
      new Argument('<fault>', 'ok, stuck, fail, lie, unreachable, slow:SECONDS').argParser(
        parseFault,
      ),
    )
    .action((node: number, fault: BmcFault, _flags: unknown, command: Command) =>
      withLab(command, (lab) => lab.setBmcFault(node, fault)),
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
  for (const verb of nodeVerbs) lab.addCommand(nodeCommand(verb));
  lab.addCommand(powerLossCommand());
  lab.addCommand(cableCommand('partition')).addCommand(cableCommand('heal'));
  return lab.addCommand(bmcFaultCommand()).addCommand(wireBmcCommand());
}
