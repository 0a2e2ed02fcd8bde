import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabBmc } from './bmc.ts';
import { ensureIpmiSim, ipmiGuid, passwordFile } from './ipmi-sim.ts';
import type { LabBook } from './lab-book.ts';
import type { LabLayout } from './layout.ts';
import {
  bmcAddress,
  bmcDirectory,
  bmcPort,
  bmcUser,
  derivedUuid,
  nodeDirectory,
} from './layout.ts';

/**
 * The two supplies of a lab node, each behind an outlet that is reached like a BMC. The node loses
 * power with the last of them, its BMC with it, and comes up when one is back.
 */
export const outletNames = ['a', 'b'] as const;
export type OutletName = (typeof outletNames)[number];

/** `stuck` takes commands without effect, `fail` refuses them; both read the truth. */
export const outletFaults = ['ok', 'stuck', 'fail'] as const;
export type OutletFault = (typeof outletFaults)[number];

function outletDirectory(layout: LabLayout, node: number, outlet: OutletName): string {
  return join(bmcDirectory(layout, node), `pdu-${outlet}`);
}

export function labOutlet(layout: LabLayout, node: number, outlet: OutletName): LabBmc {
  return {
    host: bmcAddress(layout, node),
    port: bmcPort + 1 + outletNames.indexOf(outlet),
    user: bmcUser,
    passwordFile: passwordFile(layout),
    guid: ipmiGuid(derivedUuid(layout, `pdu ${node} ${outlet}`)),
  };
}

/** Runs the outlets of a node in the fabric; false when they ran already. */
export async function ensureOutlets(
  book: LabBook,
  node: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const { layout } = book;
  let isNew = false;
  for (const outlet of outletNames) {
    const directory = outletDirectory(layout, node, outlet);
    mkdirSync(directory, { recursive: true });
    const script = join(import.meta.dirname, 'machine', 'outlet.sh');
    const places = [nodeDirectory(layout, node), bmcDirectory(layout, node)];
    const sim = {
      process: `pdu-${outlet}-${node}`,
      directory,
      ...labOutlet(layout, node, outlet),
      control: [script, ...places, outlet],
    };
    if (await ensureIpmiSim(book, sim, signal)) isNew = true;
  }
  return isNew;
}

export function setOutletFault(
  layout: LabLayout,
  { node, outlet }: { readonly node: number; readonly outlet: OutletName },
  fault: OutletFault,
): void {
  const directory = outletDirectory(layout, node, outlet);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'fault'), `${fault}\n`);
}

/** Both outlets on and well, as a person leaves them who was there. */
export function restoreOutlets(layout: LabLayout, node: number): void {
  for (const outlet of outletNames) {
    rmSync(join(nodeDirectory(layout, node), `outlet-${outlet}.off`), { force: true });
    rmSync(join(outletDirectory(layout, node, outlet), 'fault'), { force: true });
  }
}
