import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBmc, setBmcFault, readBmcFault } from './bmc.ts';
import { controlGroupMount, killGroup, makeControlGroup, populated } from './control-group.ts';
import { makeSmallDisk } from './disk-faults.ts';
import { ensureFabric, ensureManagerPlace, namespaceExists } from './fabric.ts';
import type { LabBook } from './lab-book.ts';
import { holdsOnlyLab } from './lab-down.ts';
import { LabError } from './lab-error.ts';
import { readLog } from './lab-process.ts';
import { makeLabDirectory, readRecord, writeRecord } from './lab-record.ts';
import type { LabRecord } from './lab-record.ts';
import {
  agentDirectory,
  bmcAddress,
  managerName,
  managerNamespace,
  maxManagers,
  maxNodes,
  nodeAddress,
  nodeName,
  nodeNamespace,
  storeDirectory,
} from './layout.ts';
import { writeNodeFiles } from './node-files.ts';
import { LabNode } from './node-machine.ts';
import { machineView, preflight } from './preflight.ts';
import { ensureOutlets } from './pdu.ts';
import { ensureStorage } from './storage.ts';
import { waitUntil } from './wait-until.ts';

export interface UpRequest {
  /** Default 3. A lab that is up grows to this number and never shrinks. */
  readonly nodes?: number | undefined;
  /** Places for managers, default 1. */
  readonly managers?: number | undefined;
  /** Two supplies for every node, behind outlets that can be switched. A lab that has them keeps them. */
  readonly pdus?: boolean | undefined;
  /** A number makes disk-1 to disk-n; a list names them. */
  readonly disks?: number | readonly string[] | undefined;
  /**
   * Agents and managers that are new get a disk of their own for their state, of so many MiB, that
   * can be filled. Default: the disk that the lab lies on.
   */
  readonly diskMiB?: number | undefined;
  /** Aborting ends the work; a lab that this very call began is removed again. */
  readonly signal?: AbortSignal | undefined;
  /** One line for each thing that is done. */
  readonly say?: ((line: string) => void) | undefined;
}

export interface UpReport {
  readonly kind: 'made' | 'repaired' | 'alreadyUp';
  /** What had to be done. */
  readonly done: readonly string[];
}

export function nodeGroup(record: LabRecord, node: number): string {
  return join(record.group, nodeName(node));
}

function diskNames(disks: UpRequest['disks']): readonly string[] {
  if (disks === undefined) return [];
  if (typeof disks !== 'number') return disks;
  return Array.from({ length: disks }, (_, index) => `disk-${index + 1}`);
}

function checkRequest(request: UpRequest): void {
  const wrong = (because: string): never => {
    throw new LabError('LAB_OPTIONS', 'kennel lab up', because, 'see `kennel lab up --help`');
  };
  const within = (value: number, most: number): boolean =>
    Number.isInteger(value) && value >= 1 && value <= most;
  if (!within(request.nodes ?? 1, maxNodes)) wrong(`1 to ${maxNodes} nodes`);
  if (!within(request.managers ?? 1, maxManagers)) wrong(`1 to ${maxManagers} managers`);
  for (const name of diskNames(request.disks)) {
    if (!/^[a-z][a-z0-9-]{0,29}$/.test(name)) wrong(`'${name}' is no name for a disk`);
  }
}

/** Throws when this machine cannot carry a lab, naming all that is missing. */
function checkMachine(): void {
  const missing = preflight(machineView());
  if (missing.length === 0) return;
  throw new LabError(
    'LAB_PREFLIGHT',
    'this machine cannot run a lab',
    missing.map((piece) => `${piece.what} is missing (${piece.because})`).join('; '),
    [...new Set(missing.map((piece) => piece.try))].join('; '),
  );
}

/** Writes down all that is about to exist, before any of it does. */
function plan(book: LabBook, request: UpRequest): void {
  const { layout } = book;
  const before = readRecord(layout.directory);
  if (before === null && !holdsOnlyLab(layout.directory)) {
    throw new LabError(
      'LAB_DIRECTORY',
      layout.directory,
      'there are files in it that are not of a lab',
      'give an empty --dir',
    );
  }
  makeLabDirectory(layout.directory);
  const mount = controlGroupMount();
  if (mount === null) throw new Error('preflight let a machine without cgroup v2 pass');
  const nodes = Math.max(before?.nodes ?? 0, request.nodes ?? (before === null ? 3 : 0));
  const managers = Math.max(before?.managers ?? 0, request.managers ?? (before === null ? 1 : 0));
  const numbers = (count: number): readonly number[] =>
    Array.from({ length: count }, (_, index) => index + 1);
  writeRecord(layout.directory, {
    version: 1,
    id: layout.id,
    prefix: layout.prefix,
    subnet: layout.subnet,
    group: before?.group ?? join(mount, layout.id),
    namespaces: [
      layout.fabricNamespace,
      ...numbers(managers).map((manager) => managerNamespace(layout, manager)),
      ...numbers(nodes).map((node) => nodeNamespace(layout, node)),
    ],
    nodes,
    managers,
    pdus: before?.pdus === true || request.pdus === true,
    disks: [...new Set([...(before?.disks ?? []), ...diskNames(request.disks)])],
    processes: before?.processes ?? [],
  });
}

/** Waits for all, also when one fails: nothing may still be made while the lab is taken down. */
async function forEachNode(count: number, work: (node: number) => Promise<void>): Promise<void> {
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  const ends = await Promise.allSettled(numbers.map((node) => work(node)));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

async function ensureNode(
  book: LabBook,
  number: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const node = new LabNode(book, number, nodeGroup(book.record(), number));
  writeNodeFiles(book, number, node.group);
  if (node.power() !== 'off') return false;
  signal?.throwIfAborted();
  await node.powerOn();
  const wait = { timeoutMs: 30_000, everyMs: 50, signal };
  try {
    await waitUntil('libvirtd answers', () => node.libvirtAnswers(), wait);
  } catch {
    signal?.throwIfAborted();
    const words = readLog(node.serviceLog('libvirtd')).trim().split('\n').slice(-3).join('\n');
    throw new LabError(
      'LAB_LIBVIRT',
      `libvirtd of ${node.name} does not answer`,
      words,
      'check that libvirt-daemon is whole: sudo bash deploy/setup.sh',
    );
  }
  return true;
}

/** Before a node is switched on: it sees what is mounted then. */
async function makeSmallDisks(book: LabBook, sizeMiB: number): Promise<void> {
  const { layout } = book;
  const { nodes, managers } = book.record();
  const places = [
    ...Array.from({ length: nodes }, (_, index) => agentDirectory(layout, index + 1)),
    ...Array.from({ length: managers }, (_, index) => storeDirectory(layout, index + 1)),
  ];
  for (const place of places) {
    const isUsed = existsSync(place) && readdirSync(place).length > 0;
    if (!isUsed) await makeSmallDisk(place, sizeMiB);
  }
}

async function ensureMachines(
  book: LabBook,
  note: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { layout } = book;
  await forEachNode(book.record().nodes, async (node) => {
    if (await ensureBmc(book, node, signal)) {
      // The packet filter went with the namespace, the fault file did not.
      await setBmcFault(layout, node, readBmcFault(layout, node));
      note(`the BMC of ${nodeName(node)} answers at ${bmcAddress(layout, node)}`);
    }
    if (book.record().pdus && (await ensureOutlets(book, node, signal))) {
      note(`the supplies of ${nodeName(node)} can be switched at ${bmcAddress(layout, node)}`);
    }
    if (await ensureNode(book, node, signal)) {
      note(`${nodeName(node)} runs libvirtd at ${nodeAddress(layout, node)}`);
    }
  });
}

/**
 * Makes the lab, or mends what is missing of it. Faults that were injected stay: a cut cable and a
 * frozen node are not missing. Call it with the lab's lock held.
 *
 * @throws LabError LAB_PREFLIGHT, LAB_OPTIONS, LAB_DIRECTORY, or of the step that failed.
 */
export async function bringUp(book: LabBook, request: UpRequest): Promise<UpReport> {
  checkRequest(request);
  checkMachine();
  const { layout } = book;
  const { signal } = request;
  const fresh = !existsSync(join(layout.directory, 'lab.json'));
  const done: string[] = [];
  const note = (line: string): void => {
    done.push(line);
    request.say?.(line);
  };
  signal?.throwIfAborted();
  plan(book, request);
  const record = book.record();
  if (!namespaceExists(layout.fabricNamespace) && populated(record.group)) {
    await killGroup(record.group); // what still runs is wired to a fabric that is gone
  }
  makeControlGroup(join(record.group, 'tool'));
  for (let node = 1; node <= record.nodes; node += 1) makeControlGroup(nodeGroup(record, node));
  if (await ensureFabric(book)) note(`the fabric is network namespace ${layout.fabricNamespace}`);
  for (let manager = 1; manager <= record.managers; manager += 1) {
    signal?.throwIfAborted();
    if (await ensureManagerPlace(book, manager)) {
      note(`${managerName(manager)} has network namespace ${managerNamespace(layout, manager)}`);
    }
  }
  for (const line of await ensureStorage(book, signal)) note(line);
  if (request.diskMiB !== undefined) await makeSmallDisks(book, request.diskMiB);
  await ensureMachines(book, note, signal);
  if (fresh) return { kind: 'made', done };
  return { kind: done.length === 0 ? 'alreadyUp' : 'repaired', done };
}
