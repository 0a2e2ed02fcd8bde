import { Argument, Command } from 'commander';
import type { LabHost } from './host-faults.ts';
import type { Lab, LabPlace } from './lab.ts';
import { LabError } from './lab-error.ts';
import { managerName } from './layout.ts';
import { linkCommands } from './link-commands.ts';
import type { LabNode } from './node-machine.ts';
import { parseHost, parsePlace } from './places.ts';
import { resourceCommands } from './resource-commands.ts';
import { withLab } from './with-lab.ts';

interface NodeVerb {
  readonly name: string;
  readonly description: string;
  run(node: LabNode, lab: Lab): Promise<void> | void;
  /** The same for the process of a manager; absent where it makes no sense. */
  readonly onManager?: (name: string, lab: Lab) => Promise<void>;
}

function signal(service: string, name: NodeJS.Signals): NodeVerb['run'] {
  return (node) => {
    if (node.signalService(service, name)) return;
    throw new LabError(
      'LAB_NO_SERVICE',
      `${service} of ${node.name}`,
      'it does not run',
      'see `kennel lab status`',
    );
  };
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
    name: 'reset',
    description: 'off and on again at once, as a watchdog does it',
    run: (node) => node.reset(),
  },
  {
    name: 'shut-down',
    description: 'end services and guests of a node, then switch it off, as its system would',
    run: (node) => node.shutDown(),
  },
  {
    name: 'freeze',
    description: 'stop a node in its tracks, as a hang or a panic does; it may come back',
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
    run: signal('libvirtd', 'SIGSTOP'),
  },
  {
    name: 'unhang-libvirt',
    description: 'let libvirtd of a node run on',
    run: signal('libvirtd', 'SIGCONT'),
  },
  {
    name: 'kill-libvirt',
    description: 'kill libvirtd of a node; it is started again in a moment',
    run: signal('libvirtd', 'SIGKILL'),
  },
  {
    name: 'hang-agent',
    description: 'stop the agent of a node',
    run: signal('agent', 'SIGSTOP'),
  },
  {
    name: 'unhang-agent',
    description: 'let the agent of a node run on',
    run: signal('agent', 'SIGCONT'),
  },
  {
    name: 'kill-agent',
    description: 'kill the agent of a node; it is started again in a moment',
    run: signal('agent', 'SIGKILL'),
  },
  {
    name: 'lock-state',
    description: "make the disk of a node's agent read-only",
    run: (node) => node.setStateDisk('readOnly'),
  },
  {
    name: 'kill-bmc',
    description: 'take the BMC of a node off its power; the node runs on',
    run: (node, lab) => lab.stopBmc(node.number),
  },
];

function nodeCommand(verb: NodeVerb): Command {
  const place =
    verb.onManager === undefined
      ? new Argument('<node>', 'for example node-1')
      : new Argument('<place>', 'node-1 or manager-1');
  return new Command(verb.name)
    .description(verb.description)
    .addArgument(place.argParser(parseHost))
    .action((host: LabHost, _flags: unknown, command: Command) =>
      withLab(command, async (lab) => {
        if (host.kind === 'node') return verb.run(lab.node(host.node), lab);
        const name = managerName(host.manager);
        if (verb.onManager !== undefined) return verb.onManager(name, lab);
        throw new LabError('LAB_OPTIONS', verb.name, `${name} is no node`, 'name a node');
      }),
    );
}

/** `kennel lab heal`: what `healAll` does, or the cables of one place. */
export function healCommand(): Command {
  return new Command('heal')
    .description('end every fault, or plug in the cables of one node or manager')
    .addArgument(new Argument('[place]', 'node-1 or manager-1').argParser(parsePlace))
    .action((place: LabPlace | undefined, _flags: unknown, command: Command) =>
      withLab(command, async (lab) => {
        if (place?.kind === 'node') await lab.heal(place.node);
        else if (place?.kind === 'manager') await lab.setManagerCable(place.manager, 'up');
        else await lab.healAll();
      }),
    );
}

/** The verbs that break something of one node or manager, or a link. */
export function faultCommands(): readonly Command[] {
  return [...nodeVerbs.map(nodeCommand), ...linkCommands(), ...resourceCommands()];
}
