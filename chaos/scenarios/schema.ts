import { z } from 'zod';
import { actionSchema, usageSchema } from './action-schema.ts';
import { kennelSchema } from './kennel-schema.ts';

/*
 * `ha-scenario/1`. What the replay acts on is strict: a field it does not know might change the
 * meaning of a file. What only informs a reader (source, notes, the other system's log) is loose.
 */

const seconds = z.number().min(0);
const serviceId = z.string().min(1);
const nodeName = z.string().min(1);
const desiredSchema = z.enum(['running', 'stopped', 'disabled', 'ignored']);

const nodeSchema = z.strictObject({
  name: nodeName,
  initial: z.strictObject({ power: z.enum(['on', 'off']), network: z.enum(['on', 'off']) }),
  cpus: z.number().positive().optional(),
  memory_bytes: z.int().positive().optional(),
});

const policiesSchema = z.strictObject({
  shutdown: z.enum(['conditional', 'freeze', 'failover', 'migrate']).optional(),
  placement: z
    .strictObject({
      mode: z.enum(['count', 'configured-size', 'measured-usage']).optional(),
      rebalance_on_start: z.boolean().optional(),
      auto_rebalance: z
        .looseObject({
          threshold: z.number().min(0).optional(),
          hold_rounds: z.int().min(1).optional(),
          min_relative_gain: z.number().min(0).optional(),
        })
        .optional(),
    })
    .optional(),
});

const faultsSchema = z.strictObject({
  start_fails: z.int().min(0).optional(),
  migrate_fails: z.int().min(0).optional(),
  stop_never_succeeds: z.boolean().optional(),
  only_on_node: nodeName.optional(),
});

const serviceSchema = z.strictObject({
  id: serviceId,
  type: z.enum(['vm', 'container']),
  node: nodeName,
  desired: desiredSchema,
  instance: z.enum(['running', 'stopped']).optional(),
  failback: z.boolean(),
  max_restart: z.int().min(0),
  max_relocate: z.int().min(0),
  lock: z.string().optional(),
  faults: faultsSchema.optional(),
  usage: usageSchema.optional(),
});

export const ruleSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    id: z.string(),
    kind: z.literal('node-affinity'),
    services: z.array(serviceId),
    nodes: z.record(nodeName, z.number()),
    strict: z.boolean().default(false),
    enabled: z.boolean().default(true),
  }),
  z.strictObject({
    id: z.string(),
    kind: z.literal('service-affinity'),
    services: z.array(serviceId),
    affinity: z.enum(['together', 'apart']),
    strict: z.boolean().default(true),
    enabled: z.boolean().default(true),
  }),
  z.looseObject({
    id: z.string(),
    kind: z.literal('legacy-group'),
    services: z.array(serviceId).default([]),
    nodes: z.record(nodeName, z.number()).default({}),
    strict: z.boolean().default(false),
    failback: z.boolean().default(true),
    enabled: z.boolean().default(true),
  }),
]);

const initialStateSchema = z.strictObject({
  leader: nodeName.optional(),
  nodes: z.record(nodeName, z.string()).default({}),
  services: z
    .record(
      serviceId,
      z.looseObject({ node: nodeName, status: z.string(), target: nodeName.optional() }),
    )
    .default({}),
});

const atNode = z.looseObject({ node: nodeName, t: seconds });

const finalServiceSchema = z.looseObject({
  managed: z.boolean(),
  desired: desiredSchema.nullish(),
  node: nodeName,
  instance: z.enum(['running', 'stopped']),
  status: z.string(),
  acceptable_nodes: z.array(nodeName).optional(),
});

const boundSchema = z.looseObject({
  service: serviceId,
  failed_node: nodeName.optional(),
  failure_t: seconds.optional(),
  command_t: seconds.optional(),
  max_seconds_to_running: z.number().optional(),
  max_seconds_to_moved: z.number().optional(),
});

const moveSchema = z.looseObject({
  t: seconds,
  service: serviceId,
  from: nodeName,
  to: nodeName,
  kind: z.string(),
  cause: z.string(),
});

const expectSchema = z.looseObject({
  fence_requested: z.array(atNode),
  self_fenced: z.array(atNode),
  fence_confirmed: z.array(atNode),
  fenced_nodes_in_order: z.array(nodeName),
  moves: z.array(moveSchema),
  /** Absent: starts are not counted. */
  starts: z.array(z.looseObject({ t: seconds, service: serviceId, node: nodeName })).optional(),
  services_entering_error: z.array(z.looseObject({ service: serviceId })).optional(),
  refused_commands: z.array(z.looseObject({})).optional(),
  final: z.looseObject({
    services: z.record(serviceId, finalServiceSchema),
    nodes: z.record(nodeName, z.looseObject({})),
    armed: z.string(),
    in_error: z.array(serviceId),
    wanted_but_not_running: z.array(serviceId),
  }),
  bounds: z.array(boundSchema),
  invariants: z.array(z.string()),
});

const fileSchema = z.strictObject({
  format: z.literal('ha-scenario/1'),
  id: z.string().min(1),
  title: z.string(),
  source: z.looseObject({}).optional(),
  actions_used: z.array(z.unknown()).optional(),
  cluster: z.looseObject({ nodes: z.array(nodeSchema), policies: policiesSchema }),
  initial_manager_state: initialStateSchema.optional(),
  services: z.array(serviceSchema),
  rules: z.array(ruleSchema),
  timeline: z.array(actionSchema),
  end_t: z.int(),
  expect: expectSchema,
  portability: z.looseObject({
    class: z.enum([
      'portable',
      'placement-tie',
      'placement-scored',
      'peer-scheduler',
      'peer-specific',
    ]),
    exclude: z.boolean(),
    timing_sensitive: z.boolean(),
    notes: z.array(z.unknown()),
  }),
  verification: z.looseObject({ ok: z.literal(true) }),
  'x-kennel': kennelSchema.optional(),
});

export const scenarioSchema = fileSchema.superRefine((file, context) => {
  for (const { path, message } of danglingNames(file)) {
    context.addIssue({ code: 'custom', path: [...path], message });
  }
});

/** One scenario as the replay takes it; rules have their defaults filled in. */
export type Scenario = z.infer<typeof fileSchema>;
export type ScenarioService = z.infer<typeof serviceSchema>;
export type ScenarioRule = z.infer<typeof ruleSchema>;
export type PortabilityClass = Scenario['portability']['class'];

interface Dangling {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Names of nodes and services that the file does not declare: JSON Schema cannot say this. */
function danglingNames(file: Scenario): readonly Dangling[] {
  const nodes = new Set(file.cluster.nodes.map((node) => node.name));
  const services = new Set(file.services.map((service) => service.id));
  const found: Dangling[] = [];
  const checkNode = (name: string | undefined, path: readonly (string | number)[]): void => {
    if (name !== undefined && !nodes.has(name)) found.push({ path, message: `no node ${name}` });
  };
  for (const [index, service] of file.services.entries()) {
    checkNode(service.node, ['services', index, 'node']);
  }
  for (const [index, action] of file.timeline.entries()) {
    const { node, service } = subjectsOf(action);
    checkNode(node, ['timeline', index, 'node']);
    if (action.action === 'service.add' && service !== undefined) services.add(service);
    else if (service !== undefined && !services.has(service)) {
      found.push({ path: ['timeline', index, 'service'], message: `no service ${service}` });
    }
    if (action.action === 'service.moved_outside_ha') {
      checkNode(action.to, ['timeline', index, 'to']);
    }
  }
  for (const [index, rule] of file.rules.entries()) {
    if (rule.kind !== 'node-affinity') continue;
    for (const name of Object.keys(rule.nodes)) checkNode(name, ['rules', index, 'nodes', name]);
  }
  for (const [index, action] of (file['x-kennel']?.timeline ?? []).entries()) {
    const path = ['x-kennel', 'timeline', index];
    checkNode(subjectsOf(action).node, [...path, 'node']);
    checkNode(action.when?.fence_of, [...path, 'when', 'fence_of']);
    if ('service' in action && !services.has(action.service)) {
      found.push({ path: [...path, 'service'], message: `no service ${action.service}` });
    }
    if (!('from' in action)) continue;
    for (const end of ['from', 'to'] as const) {
      const [kind, name] = action[end].split(/:(.*)/s);
      if (kind !== 'manager') checkNode(name, [...path, end]);
      else if (!isManager(file, name)) found.push({ path: [...path, end], message: 'no manager' });
    }
  }
  return found;
}

function isManager(file: Scenario, name: string | undefined): boolean {
  const number = Number(name);
  const count = file['x-kennel']?.managers?.count ?? file.cluster.nodes.length;
  return Number.isInteger(number) && number >= 1 && number <= count;
}

function subjectsOf(action: object): {
  readonly node: string | undefined;
  readonly service: string | undefined;
} {
  const node = 'node' in action && typeof action.node === 'string' ? action.node : undefined;
  const service =
    'service' in action && typeof action.service === 'string' ? action.service : undefined;
  return { node, service };
}
