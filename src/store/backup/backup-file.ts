import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import { contentHash, type StoreContent } from './content.ts';

/*
 * A backup is text: a line of JSON about it, then a line of JSON per key, `["key","value"]`, sorted. The first
 * line ends with the SHA-256 of everything else, so a file is whole or refused.
 */

const format = 'kennel-backup';
const version = 1;

const headerSchema = z.strictObject({
  format: z.literal(format),
  version: z.int(),
  clusterId: z.string(),
  clusterName: z.string(),
  /** Wall clock, ISO. */
  madeAt: z.string(),
  /** Of the store that it was made of. */
  driver: z.string(),
  epoch: z.int().min(0),
  keys: z.int().min(0),
  /** Of keys and values alone, as `contentHash` has it. */
  contentHash: z.string(),
});

export type BackupHeader = z.infer<typeof headerSchema>;

export interface Backup {
  readonly header: BackupHeader;
  readonly content: StoreContent;
}

export function encodeBackup(
  about: Pick<BackupHeader, 'clusterId' | 'clusterName' | 'madeAt' | 'driver'>,
  content: StoreContent,
): string {
  const header: BackupHeader = {
    format,
    version,
    clusterId: about.clusterId,
    clusterName: about.clusterName,
    madeAt: about.madeAt,
    driver: about.driver,
    epoch: content.epoch,
    keys: content.items.length,
    contentHash: contentHash(content),
  };
  const lines = content.items.map((item) => `${JSON.stringify(item)}\n`).join('');
  return `${JSON.stringify({ ...header, sha256: sumOf(header, lines) })}\n${lines}`;
}

function sumOf(header: BackupHeader, lines: string): string {
  return createHash('sha256')
    .update(`${JSON.stringify(header)}\n`)
    .update(lines)
    .digest('hex');
}

/** E_BACKUP with what is wrong with it: no backup, of a newer version, cut off or changed. */
export function decodeBackup(text: string, name: string): Outcome<Backup> {
  const end = text.indexOf('\n');
  const first = parsed(text.slice(0, Math.max(end, 0)));
  if (typeof first !== 'object' || first === null || !('format' in first)) {
    return refused(name, 'its first line is not that of a backup');
  }
  const { sha256, ...rest } = first as Record<string, unknown>;
  if (rest['format'] !== format) return refused(name, 'its first line is not that of a backup');
  if (rest['version'] !== version) {
    return refused(name, `it is of version ${String(rest['version'])}, this reads ${version}`);
  }
  const header = headerSchema.safeParse(rest);
  if (!header.success) return refused(name, 'its first line is damaged');
  const lines = text.slice(end + 1);
  if (sumOf(header.data, lines) !== sha256) {
    return refused(name, 'its checksum is wrong: it was cut off or changed');
  }
  const items = lines.split('\n').slice(0, -1).map(parsed) as (readonly [string, string])[];
  return ok({ header: header.data, content: { items, epoch: header.data.epoch } });
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function refused(name: string, because: string): Outcome<never> {
  return problem({
    code: 'E_BACKUP',
    what: `${name} cannot be restored`,
    because,
    so: 'nothing was changed',
    try: ['take another backup', 'a newer kennel reads the backups of older ones: kennel version'],
  });
}
