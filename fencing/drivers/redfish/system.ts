import type { z } from 'zod';
import { fenceError } from '../../fence-error.ts';
import { actionInfoSchema, collectionSchema, normalUuid, systemSchema } from './answer.ts';
import type { Failed, Got, RedfishClient } from './client.ts';
import type { RedfishSettings } from './settings.ts';

export interface FoundSystem {
  readonly path: string;
  /** Null where the service gives none that names a machine. */
  readonly uuid: string | null;
  readonly document: z.infer<typeof systemSchema>;
}

/**
 * The machine that the settings speak of: the one with the enrolled UUID, wherever it now stands in
 * the collection. Where none has that UUID, the system at the enrolled path is returned as it is, so
 * that its foreign UUID is seen.
 */
export async function findSystem(
  client: RedfishClient,
  settings: RedfishSettings,
): Promise<Got<FoundSystem>> {
  const { system, uuid } = settings;
  let atPath: FoundSystem | null = null;
  if (system?.startsWith('/') === true) {
    const read = await readSystem(client, system);
    const isMoved = read.kind === 'failed' && /HTTP 404/.test(read.error.detail);
    if (read.kind === 'failed' && !isMoved) return read;
    if (read.kind === 'got') {
      if (uuid === undefined || read.value.uuid === uuid || read.value.uuid === null) return read;
      atPath = read.value;
    }
  }
  const paths = await memberPaths(client);
  if (paths.kind === 'failed') return paths;
  if (uuid !== undefined) return findByUuid(client, paths.value, uuid, atPath);
  const named = paths.value.filter((path) => system === undefined || lastPart(path) === system);
  const [only] = named;
  if (only !== undefined && named.length === 1) return readSystem(client, only);
  const names = paths.value.map(lastPart).join(', ');
  return config(
    system === undefined
      ? `the service manages ${paths.value.length} systems (${names}); say which: system=NAME or uuid=UUID`
      : `the service has no system ${system}; it has: ${names}`,
  );
}

async function findByUuid(
  client: RedfishClient,
  paths: readonly string[],
  uuid: string,
  atPath: FoundSystem | null,
): Promise<Got<FoundSystem>> {
  let first = atPath;
  for (const path of paths) {
    const read = await readSystem(client, path);
    if (read.kind === 'failed') return read;
    if (read.value.uuid === uuid) return read;
    first ??= read.value;
  }
  if (first !== null) return { kind: 'got', value: first };
  return config('the service manages no system');
}

async function memberPaths(client: RedfishClient): Promise<Got<readonly string[]>> {
  const root = await client.root();
  if (root.kind === 'failed') return root;
  const collection = await client.get(root.value.Systems['@odata.id'], collectionSchema);
  if (collection.kind === 'failed') return collection;
  return { kind: 'got', value: collection.value.Members.map((member) => member['@odata.id']) };
}

async function readSystem(client: RedfishClient, path: string): Promise<Got<FoundSystem>> {
  const read = await client.get(path, systemSchema);
  if (read.kind === 'failed') return read;
  return {
    kind: 'got',
    value: { path, uuid: normalUuid(read.value.UUID), document: read.value },
  };
}

/** The address of the system's reset, if it allows this type of reset. It is never made up. */
export async function resetTarget(
  client: RedfishClient,
  found: FoundSystem,
  type: 'ForceOff' | 'On',
): Promise<Got<string>> {
  const reset = found.document.Actions?.['#ComputerSystem.Reset'];
  if (reset === undefined) return config('the system offers no ComputerSystem.Reset');
  let allowed = reset['ResetType@Redfish.AllowableValues'];
  const infoPath = reset['@Redfish.ActionInfo'];
  if (allowed === undefined && infoPath !== undefined) {
    const info = await client.get(infoPath, actionInfoSchema);
    if (info.kind === 'failed') return info;
    allowed = info.value.Parameters.find(({ Name }) => Name === 'ResetType')?.AllowableValues;
  }
  if (allowed === undefined || allowed.includes(type)) return { kind: 'got', value: reset.target };
  return config(`the system does not allow ${type}; it allows: ${allowed.join(', ')}`);
}

function lastPart(path: string): string {
  return path.replace(/\/$/, '').split('/').at(-1) ?? path;
}

function config(detail: string): Failed {
  return { kind: 'failed', error: fenceError('CONFIG', detail, 'reading') };
}
