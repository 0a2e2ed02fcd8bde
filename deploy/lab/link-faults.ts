import { z } from 'zod';
import { mustRun, runCommand } from './command.ts';
import type { LabLayout } from './layout.ts';

/**
 * What becomes of packets on the lab's management and storage networks. Addresses as in the layout;
 * null = any. One direction only: a cut in both directions is two faults.
 */
export interface LinkFault {
  /** Unique in the lab; lower-case letters, digits and dashes. */
  readonly name: string;
  readonly from: string | null;
  readonly to: string | null;
  /** Share of the packets that is lost, 0 to 1. 1 = nothing passes. */
  readonly loss: number;
  /** Only packets of more bytes than this are concerned: a path that swallows the large ones. */
  readonly longerThan?: number;
  /** Only packets to or from this TCP port. */
  readonly port?: number;
}

const prefix = 'kennel_link_';

/*
 * All faults are tables of the bridges' packet filter in the fabric. They match addresses, so they
 * hold over the power cycle of a node, and they go with the fabric's namespace.
 */
function nft(layout: LabLayout, ...words: readonly string[]): readonly string[] {
  return ['nsenter', `--net=/run/netns/${layout.fabricNamespace}`, '--', 'nft', ...words];
}

function tableOf(name: string): string {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw new RangeError(`no name for a link fault: ${name}`);
  return `bridge ${prefix}${name.replaceAll('-', '_')}`;
}

function ruleOf(fault: LinkFault): string {
  const words: string[] = [];
  if (fault.from !== null) words.push(`ip saddr ${fault.from}`);
  if (fault.to !== null) words.push(`ip daddr ${fault.to}`);
  if (fault.port !== undefined) words.push(`tcp dport ${fault.port}`);
  if (fault.longerThan !== undefined) words.push(`meta length > ${fault.longerThan}`);
  if (fault.loss < 1) words.push(`numgen random mod 1000 < ${Math.round(fault.loss * 1000)}`);
  return [...words, 'counter', 'drop'].join(' ');
}

/** Puts a fault on the wires, in place of the one of that name. */
export async function setLinkFault(layout: LabLayout, fault: LinkFault): Promise<void> {
  const table = tableOf(fault.name);
  await clearLinkFault(layout, fault.name);
  const rule = ruleOf(fault);
  // What a node sends passes `prerouting`; what a BMC or the storage answers begins in the fabric.
  const commands = [
    `add table ${table}`,
    `add chain ${table} passing { type filter hook prerouting priority 0; }`,
    `add rule ${table} passing ${rule}`,
    `add chain ${table} answers { type filter hook output priority 0; }`,
    `add rule ${table} answers ${rule}`,
  ];
  await mustRun(nft(layout, commands.join('; ')));
}

/** Ok when there is none of that name. */
export async function clearLinkFault(layout: LabLayout, name: string): Promise<void> {
  await runCommand(nft(layout, `delete table ${tableOf(name)}`));
}

const tablesSchema = z.object({
  nftables: z.array(z.object({ table: z.object({ name: z.string() }).optional() })),
});

/** Names of the faults that are on the wires now. */
export async function linkFaults(layout: LabLayout): Promise<readonly string[]> {
  const text = await mustRun(nft(layout, '-j', 'list', 'tables', 'bridge'));
  return tablesSchema.parse(JSON.parse(text)).nftables.flatMap(({ table }) => {
    const name = table?.name ?? '';
    return name.startsWith(prefix) ? [name.slice(prefix.length).replaceAll('_', '-')] : [];
  });
}

export async function clearLinkFaults(layout: LabLayout): Promise<void> {
  for (const name of await linkFaults(layout)) await clearLinkFault(layout, name);
}
