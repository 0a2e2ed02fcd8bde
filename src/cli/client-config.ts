import { dirname, join, resolve } from 'node:path';
import { problem } from '../core/problem.ts';
import type { Outcome } from '../core/problem.ts';
import type { Disk } from '../env/disk.ts';
import { parseHostPort } from '../api/schema/host-port.ts';

/** At least one; all of one cluster. */
type Several = readonly [string, ...string[]];

/** Where the cluster is and who asks. Paths are absolute once loaded. */
export type ClientConfig = {
  /** PEM files: certificate and key of the person or program, certificate of the cluster's CA. */
  readonly certificate: string;
  readonly key: string;
  readonly certificateAuthority: string;
} & (
  | { /** `host:port` of the API of each manager. */ readonly addresses: Several }
  | { /** Paths of managers' API sockets. */ readonly unixSockets: Several }
);

export interface FoundConfig {
  readonly path: string;
  readonly config: ClientConfig;
}

/** What the search for a configuration looks at. */
export interface ConfigPlaces {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  readonly workingDirectory: string;
  env(): Promise<{ readonly disk: Pick<Disk, 'read'> }>;
}

/**
 * Places in the order of the search. A place named by a person (`--config`, $KENNEL_CONFIG) is
 * the only one looked at: falling back to another cluster would be worse than an error.
 */
export function configCandidates(
  places: Omit<ConfigPlaces, 'env'>,
  fromOption: string | null,
): readonly string[] {
  const named = fromOption ?? nonEmpty(places.variables['KENNEL_CONFIG']);
  if (named !== null) return [resolve(places.workingDirectory, named)];
  const xdg = nonEmpty(places.variables['XDG_CONFIG_HOME']);
  return [
    ...(xdg === null ? [] : [join(xdg, 'kennel', 'admin.yaml')]),
    join(places.homeDirectory, '.config', 'kennel', 'admin.yaml'),
    '/etc/kennel/admin.yaml',
  ];
}

function nonEmpty(value: string | undefined): string | null {
  return value === undefined || value === '' ? null : value;
}

/** Finds, reads and checks the client configuration. Missing or wrong: `E_DATA_DIRECTORY`. */
export async function findClientConfig(
  places: ConfigPlaces,
  fromOption: string | null,
): Promise<Outcome<FoundConfig>> {
  const { disk } = await places.env();
  const candidates = configCandidates(places, fromOption);
  for (const path of candidates) {
    let bytes: Uint8Array | null;
    try {
      bytes = await disk.read(path);
    } catch (error) {
      return unusable(path, error instanceof Error ? error.message : String(error));
    }
    if (bytes !== null) return parseConfig(path, new TextDecoder().decode(bytes));
  }
  return problem({
    code: 'E_DATA_DIRECTORY',
    what: 'there is no client configuration, so it is not known which cluster is meant',
    because: `looked for ${candidates.join(', ')}`,
    so: 'nothing was asked of any cluster',
    try: [
      'kennel --config FILE … with the file that kennel init wrote',
      'copy that file and the three files it names to ~/.config/kennel/',
      'kennel init --name NAME --address HOST to make a cluster',
    ],
  });
}

async function parseConfig(path: string, text: string): Promise<Outcome<FoundConfig>> {
  const { parse } = await import('yaml');
  let raw: unknown;
  try {
    raw = parse(text, { maxAliasCount: 10 });
  } catch (error) {
    return unusable(path, error instanceof Error ? firstLine(error.message) : String(error));
  }
  const known = ['addresses', 'unixSockets', 'certificate', 'key', 'certificateAuthority'];
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    return unusable(path, 'it is not a YAML mapping');
  }
  const fields: Readonly<Record<string, unknown>> = { ...raw };
  const unknownField = Object.keys(fields).find((name) => !known.includes(name));
  if (unknownField !== undefined) return unusable(path, `${unknownField} is no field of it`);
  const directory = dirname(path);
  const file = (name: string): string | null => {
    const value = fields[name];
    return typeof value === 'string' && value !== '' ? resolve(directory, value) : null;
  };
  const certificate = file('certificate');
  const key = file('key');
  const certificateAuthority = file('certificateAuthority');
  if (certificate === null || key === null || certificateAuthority === null) {
    return unusable(path, 'certificate, key and certificateAuthority must name files');
  }
  const files = { certificate, key, certificateAuthority };
  const addresses = listOf(fields['addresses']);
  const sockets = listOf(fields['unixSockets']);
  if ((addresses === null) === (sockets === null)) {
    return unusable(path, 'it must have either addresses (host:port each) or unixSockets (paths)');
  }
  if (sockets !== null) {
    const unixSockets = sockets.map((socket) => resolve(directory, socket)) as unknown as Several;
    return found(path, { unixSockets, ...files });
  }
  if (addresses === null) return unusable(path, 'addresses must be a list of host:port');
  for (const address of addresses) {
    const parsed = parseHostPort(address);
    if (parsed.kind === 'invalid') return unusable(path, `addresses: ${parsed.because}`);
  }
  return found(path, { addresses, ...files });
}

/** A list of texts that is not empty; null for anything else. */
function listOf(value: unknown): Several | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  return value.every((item) => typeof item === 'string' && item !== '')
    ? (value as unknown as Several)
    : null;
}

function found(path: string, config: ClientConfig): Outcome<FoundConfig> {
  return { kind: 'ok', value: { path, config } };
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? text;
}

function unusable(path: string, because: string): Outcome<never> {
  return problem({
    code: 'E_DATA_DIRECTORY',
    what: `the client configuration ${path} cannot be used`,
    because,
    so: 'nothing was asked of any cluster',
    try: ['compare it with docs/cli.md, "Client configuration"', 'kennel --config OTHER-FILE …'],
  });
}

/** Writes a configuration for its owner alone. File paths may be relative to it. */
export async function writeClientConfig(
  disk: Pick<Disk, 'makeDirectory' | 'replace'>,
  path: string,
  config: ClientConfig,
): Promise<void> {
  const { stringify } = await import('yaml');
  const text = `# Client configuration of kennel. Paths are relative to this file.\n${stringify(config)}`;
  await disk.makeDirectory(dirname(path), { mode: 0o700 });
  await disk.replace(path, new TextEncoder().encode(text), { mode: 0o600 });
}
