import { z } from 'zod';
import { mustRun, runCommand } from './command.ts';
import { delayPort, endDelay, startDelay } from './delay-lines.ts';
import type { LabBook } from './lab-book.ts';
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
  /** By so much what is not lost comes later, ms. Of all packets: neither of a length nor of a port. */
  readonly delayMs?: number;
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

function matchOf(fault: LinkFault): readonly string[] {
  const words: string[] = [];
  if (fault.from !== null) words.push(`ip saddr ${fault.from}`);
  if (fault.to !== null) words.push(`ip daddr ${fault.to}`);
  if (fault.port !== undefined) words.push(`tcp dport ${fault.port}`);
  if (fault.longerThan !== undefined) words.push(`meta length > ${fault.longerThan}`);
  return words;
}

/** Expressions of the rules that drop: of what passes the bridge, and of what begins in the fabric. */
function rulesOf(fault: LinkFault): Readonly<Record<'passing' | 'answers', readonly string[]>> {
  const { loss, name } = fault;
  const match = matchOf(fault).join(' ');
  const share = loss < 1 ? `numgen random mod 1000 < ${Math.round(loss * 1000)} ` : '';
  const lose = `${match} ${share}counter drop`;
  if (!isDelayed(fault)) return { passing: [lose], answers: [lose] };
  // What a delay line carries is dropped where it saw it, and may be lost when it brings it back.
  const port = `"${delayPort(name)}"`;
  const taken = `${match} counter drop`;
  const lost = loss > 0 ? [`iifname ${port} ${lose}`] : [];
  return { passing: [...lost, `iifname != ${port} ${taken}`], answers: [taken] };
}

function isDelayed({ delayMs = 0 }: LinkFault): boolean {
  return delayMs > 0;
}

/** Puts a fault on the wires, in place of the one of that name. Call it with the lab's lock held. */
export async function setLinkFault(book: LabBook, fault: LinkFault): Promise<void> {
  const { layout } = book;
  const table = tableOf(fault.name);
  await clearLinkFault(book, fault.name);
  if (isDelayed(fault)) await startDelay(book, { ...fault, delayMs: fault.delayMs ?? 0 });
  const { passing, answers } = rulesOf(fault);
  // What a node sends passes `prerouting`; what a BMC or the storage answers begins in the fabric.
  const commands = [
    `add table ${table}`,
    `add chain ${table} passing { type filter hook prerouting priority 0; }`,
    `add chain ${table} answers { type filter hook output priority 0; }`,
    ...passing.map((rule) => `add rule ${table} passing ${rule}`),
    ...answers.map((rule) => `add rule ${table} answers ${rule}`),
  ];
  await mustRun(nft(layout, commands.join('; ')));
}

/** Ok when there is none of that name. Call it with the lab's lock held. */
export async function clearLinkFault(book: LabBook, name: string): Promise<void> {
  await runCommand(nft(book.layout, `delete table ${tableOf(name)}`));
  await endDelay(book, name);
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

/** Call it with the lab's lock held. */
export async function clearLinkFaults(book: LabBook): Promise<void> {
  for (const name of await linkFaults(book.layout)) await clearLinkFault(book, name);
}
