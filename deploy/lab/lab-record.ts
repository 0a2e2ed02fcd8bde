import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { LabError } from './lab-error.ts';

/** A long-running process of the lab outside the nodes: storage, a BMC, a manager. */
const processSchema = z.object({
  name: z.string(),
  argv: z.array(z.string()),
  env: z.record(z.string(), z.string()),
  /** Network namespace it runs in. */
  namespace: z.string(),
  /** Its own control group: whatever it starts is in there too. */
  group: z.string(),
  log: z.string(),
  /** Null from the moment it is about to be started until its pid is known. */
  identity: z.object({ pid: z.number().int(), startTicks: z.number().int() }).nullable(),
});

const recordSchema = z.object({
  version: z.literal(1),
  id: z.string(),
  prefix: z.string(),
  subnet: z.string(),
  /** Root of the lab's control groups. Every process of the lab lives below it. */
  group: z.string(),
  /** Every network namespace the lab has made or is about to make. */
  namespaces: z.array(z.string()),
  nodes: z.number().int(),
  managers: z.number().int(),
  /** Every node has two supplies behind outlets that can be switched. */
  pdus: z.boolean().default(false),
  /** Names of the exported disks, in the order they were asked for. */
  disks: z.array(z.string()),
  processes: z.array(processSchema),
});

export type LabProcessRecord = z.infer<typeof processSchema>;
/** All that a lab has made. Written before each thing is made, so that `down` misses nothing. */
export type LabRecord = z.infer<typeof recordSchema>;

function recordPath(directory: string): string {
  return join(directory, 'lab.json');
}

/**
 * @returns null when there is no lab in that directory.
 * @throws LabError LAB_RECORD when the file is there but cannot be understood.
 */
export function readRecord(directory: string): LabRecord | null {
  if (!existsSync(recordPath(directory))) return null;
  let problem: string;
  try {
    const parsed = recordSchema.safeParse(
      JSON.parse(readFileSync(recordPath(directory), 'utf8')) as unknown,
    );
    if (parsed.success) return parsed.data;
    problem = z.prettifyError(parsed.error);
  } catch (error) {
    problem = String(error);
  }
  throw new LabError(
    'LAB_RECORD',
    recordPath(directory),
    problem,
    'run `kennel lab down`: it removes the lab by its names',
  );
}

/** As `readRecord`, but null for a damaged one: the names alone lead to everything of a lab. */
export function recordIfReadable(directory: string): LabRecord | null {
  try {
    return readRecord(directory);
  } catch {
    return null;
  }
}

export function writeRecord(directory: string, record: LabRecord): void {
  const path = recordPath(directory);
  writeFileSync(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/**
 * Makes the lab's directory, which holds a password and the sockets of root's daemons.
 *
 * @throws LabError LAB_DIRECTORY when others could write to it, or something else is in it.
 */
export function makeLabDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { uid, mode } = statSync(directory);
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0) {
    throw new LabError(
      'LAB_DIRECTORY',
      directory,
      'it belongs to another user, or others may write to it',
      'give another --dir',
    );
  }
}
