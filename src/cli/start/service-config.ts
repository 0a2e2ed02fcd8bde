import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import { DiskError, type Disk } from '../../env/disk.ts';
import { nameSchema, portSchema, uuidSchema } from '../../api/schema/primitives.ts';
import { storeConfigSchema } from './store-config.ts';

/** `manager.yaml` in a manager's directory; made by `kennel init` and `kennel manager join`. */
const managerConfigSchema = z.strictObject({
  clusterId: uuidSchema,
  clusterName: nameSchema,
  name: nameSchema,
  /** In the registry of managers; never that of another one. */
  number: z.int().min(1),
  address: z.string().min(1).max(255),
  apiPort: portSchema,
  sessionPort: portSchema,
  /** It votes in the store and does nothing else. */
  witness: z.boolean().default(false),
  profile: z.enum(['fast', 'default', 'conservative']),
  store: storeConfigSchema.default({ kind: 'raft' }),
});

/** Where the kernel tells the id of its boot. */
export const kernelBootIdFile = '/proc/sys/kernel/random/boot_id';

/** `agent.yaml` in an agent's directory; made by `kennel agent join`. */
const agentConfigSchema = z.strictObject({
  clusterId: uuidSchema,
  node: nameSchema,
  /** Session addresses, `host:port`. */
  managers: z.array(z.string()).min(1),
  hypervisor: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('libvirt'),
      socket: z.string().min(1).max(107),
      /** Restarts its daemon; null = never. Absent: through systemd, where that runs. */
      restart: z.array(z.string().min(1)).min(1).nullable().optional(),
      /** How it reaches the libvirt of other nodes; `tcp` only on a network of one's own. */
      migrateOver: z.enum(['tls', 'tcp']).default('tls'),
    }),
    /** Sleeping processes instead of VMs, for benchmarks. */
    z.strictObject({ kind: z.literal('process'), eventsFile: z.string().min(1) }),
  ]),
  /**
   * Socket of the petter on this machine: the node fences itself once its watchdog may be relied on.
   * Absent: its VMs run on when its lease is over.
   */
  watchdogSocket: z.string().min(1).max(107).optional(),
  /** Where other agents ask whether this node lives; 7402 unless said otherwise. */
  probePort: portSchema.optional(),
  bootIdFile: z.string().min(1),
  machineIdFile: z.string().min(1),
});

export type ManagerConfig = z.infer<typeof managerConfigSchema>;
export type AgentConfig = z.infer<typeof agentConfigSchema>;

export const loadManagerConfig = (disk: Disk, directory: string): Promise<Outcome<ManagerConfig>> =>
  load(disk, `${directory}/manager.yaml`, managerConfigSchema, 'kennel init');

export const loadAgentConfig = (disk: Disk, directory: string): Promise<Outcome<AgentConfig>> =>
  load(disk, `${directory}/agent.yaml`, agentConfigSchema, 'kennel agent join');

export const saveManagerConfig = (disk: Disk, directory: string, config: ManagerConfig) =>
  save(disk, `${directory}/manager.yaml`, config);

export const saveAgentConfig = (disk: Disk, directory: string, config: AgentConfig) =>
  save(disk, `${directory}/agent.yaml`, config);

async function load<T>(
  disk: Disk,
  path: string,
  schema: z.ZodType<T>,
  maker: string,
): Promise<Outcome<T>> {
  const text = await readText(disk, path, maker);
  if (text.kind === 'problem') return text;
  let raw: unknown;
  try {
    raw = parse(text.value, { maxAliasCount: 10 });
  } catch (error) {
    return unusable(path, error instanceof Error ? error.message : String(error), maker);
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) return ok(parsed.data);
  const issues = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  return unusable(path, issues.join('; '), maker);
}

/** Reads a text file; E_DATA_DIRECTORY when it is not there or cannot be read. */
export async function readText(disk: Disk, path: string, maker: string): Promise<Outcome<string>> {
  try {
    const bytes = await disk.read(path);
    if (bytes === null) return unusable(path, 'there is no such file', maker);
    return ok(new TextDecoder().decode(bytes));
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return unusable(path, `${error.code}: ${error.message}`, maker);
  }
}

async function save(disk: Disk, path: string, config: ManagerConfig | AgentConfig): Promise<void> {
  await disk.replace(path, new TextEncoder().encode(stringify(config)), { mode: 0o600 });
}

function unusable(path: string, because: string, maker: string): Outcome<never> {
  return problem({
    code: 'E_DATA_DIRECTORY',
    what: `${path} cannot be used`,
    because,
    so: 'the service does not start',
    try: [`make it with ${maker}`, 'name the right directory with --directory'],
  });
}
