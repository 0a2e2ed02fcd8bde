import { Command, InvalidArgumentError, Option } from 'commander';
import type { Lab } from './lab.ts';
import type { LabNetwork } from './fabric.ts';
import { bmcAddress, managerAddress, nodeAddress, storageAddressOfNode } from './layout.ts';
import { parseMs, parsePlace, parseShare } from './places.ts';
import { withLab } from './with-lab.ts';

function bytes(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('bytes, for example 600');
  return Number(text);
}

/** `node-1`, `manager-1`, `bmc-1`, `storage`: an address of the lab on that network; `any` = null. */
function addressOf({ layout }: Lab, text: string, network: LabNetwork): string | null {
  if (text === 'any') return null;
  if (text === 'storage') return layout.storageAddress;
  const bmc = /^bmc-([1-9]\d?)$/.exec(text)?.[1];
  if (bmc !== undefined) return bmcAddress(layout, Number(bmc));
  const place = parsePlace(text);
  if (place.kind === 'manager') return managerAddress(layout, place.manager);
  if (place.kind === 'fabric') return layout.fabricAddress;
  return network === 'storage'
    ? storageAddressOfNode(layout, place.node)
    : nodeAddress(layout, place.node);
}

/** A way with the storage at one end is one of the storage network. */
function wayOf(
  lab: Lab,
  from: string,
  to: string,
): { readonly from: string | null; readonly to: string | null } {
  const network = [from, to].includes('storage') ? 'storage' : 'management';
  return { from: addressOf(lab, from, network), to: addressOf(lab, to, network) };
}

interface DropFlags {
  readonly loss: number;
  readonly longerThan?: number;
  readonly name: string;
}

const ends = 'node-1, manager-1, bmc-1, storage or any';

function dropCommand(): Command {
  return new Command('drop')
    .description('lose packets in one direction between nodes, managers, BMCs and the storage')
    .argument('<from>', ends)
    .argument('<to>', 'the same')
    .addOption(new Option('--loss <share>', 'how many').argParser(parseShare).default(1, '100%'))
    .addOption(new Option('--longer-than <bytes>', 'only large packets').argParser(bytes))
    .option('--name <name>', 'several at once need different names', 'drop')
    .action((from: string, to: string, flags: DropFlags, command: Command) =>
      withLab(command, (lab) => lab.setLinkFault({ ...flags, ...wayOf(lab, from, to) })),
    );
}

interface DelayFlags {
  readonly loss: number;
  readonly oneWay?: boolean;
  readonly name: string;
}

function delayCommand(): Command {
  return new Command('delay')
    .description('let packets between two places take longer, there and back')
    .argument('<from>', ends)
    .argument('<to>', 'the same')
    .argument('<ms>', 'each way, for example 500', parseMs)
    .addOption(new Option('--loss <share>', 'lose so many too').argParser(parseShare).default(0))
    .option('--one-way', 'only there')
    .option('--name <name>', 'several at once need different names', 'delay')
    .action((from: string, to: string, delayMs: number, flags: DelayFlags, command: Command) =>
      withLab(command, async (lab) => {
        const { loss, name, oneWay } = flags;
        const [there, back] = [wayOf(lab, from, to), wayOf(lab, to, from)];
        await lab.setLinkFault({ name: `${name}-there`, ...there, loss, delayMs });
        if (oneWay === true) return;
        await lab.setLinkFault({ name: `${name}-back`, ...back, loss, delayMs });
      }),
    );
}

/** The verbs that trouble the wires. */
export function linkCommands(): readonly Command[] {
  return [dropCommand(), delayCommand()];
}
