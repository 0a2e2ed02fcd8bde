import { z } from 'zod';

const common = {
  t_seconds: z.int().min(0),
  previous_settled: z.boolean().optional(),
  unsettled: z.array(z.unknown()).optional(),
};

/** Configured and measured load of a service. */
export const usageSchema = z.strictObject({
  cpus: z.number().min(0).optional(),
  memory_bytes: z.int().min(0).optional(),
  cpu_used: z.number().min(0).optional(),
  memory_used_bytes: z.int().min(0).optional(),
});

const node = z.string().min(1);
const service = z.string().min(1);

const onNode = <const A extends string>(action: A) =>
  z.strictObject({ ...common, action: z.literal(action), node });

const switchOnNode = <const A extends string>(action: A) =>
  z.strictObject({ ...common, action: z.literal(action), node, works: z.boolean() });

/** An action that no part of Kennel can carry out: read, and answered by `needs`. */
const beyond = <const A extends string>(action: A) =>
  z.looseObject({ ...common, action: z.literal(action) });

/** One outside action of the timeline. The set of actions is the format's, and closed. */
export const actionSchema = z.discriminatedUnion(
  'action',
  [
    onNode('node.power_on'),
    onNode('node.power_off'),
    onNode('node.isolate'),
    onNode('node.reconnect'),
    onNode('node.shutdown'),
    onNode('node.reboot'),
    switchOnNode('node.state_store_access'),
    switchOnNode('node.state_store_refresh'),
    onNode('agent.restart'),
    onNode('manager.stop'),
    onNode('manager.start'),
    z.strictObject({
      ...common,
      action: z.literal('service.set_desired'),
      service,
      desired: z.enum(['running', 'stopped', 'disabled', 'ignored']),
    }),
    z.strictObject({
      ...common,
      action: z.literal('service.stop'),
      service,
      timeout_seconds: z.number().min(0).optional(),
    }),
    z.strictObject({
      ...common,
      action: z.literal('service.add'),
      service,
      type: z.enum(['vm', 'container']).optional(),
      node,
      desired: z.enum(['running', 'stopped', 'disabled', 'ignored']).optional(),
      already_running: z.boolean().optional(),
      failback: z.boolean().optional(),
      max_restart: z.int().min(0).optional(),
      max_relocate: z.int().min(0).optional(),
      usage: usageSchema.optional(),
    }),
    z.strictObject({ ...common, action: z.literal('service.remove'), service }),
    z.strictObject({
      ...common,
      action: z.literal('service.moved_outside_ha'),
      service,
      to: node,
    }),
    z.strictObject({
      ...common,
      action: z.literal('cluster.disarm'),
      mode: z.enum(['freeze', 'ignore']),
      via_node: node.optional(),
    }),
    z.strictObject({ ...common, action: z.literal('cluster.arm'), via_node: node.optional() }),
    z.strictObject({ ...common, action: z.literal('node.maintenance'), node, on: z.boolean() }),
    beyond('node.set_software_version'),
    z.strictObject({ ...common, action: z.literal('service.migrate'), service, to: node }),
    z.strictObject({ ...common, action: z.literal('service.relocate'), service, to: node }),
    z.strictObject({
      ...common,
      action: z.literal('service.lock'),
      service,
      lock: z.string().optional(),
    }),
    z.strictObject({ ...common, action: z.literal('service.unlock'), service }),
    z.strictObject({
      ...common,
      ...usageSchema.shape,
      action: z.literal('service.set_usage'),
      service,
    }),
    beyond('sim.pause_managers'),
    beyond('sim.pause_agents'),
  ],
  {
    error: (issue) =>
      issue.code === 'invalid_union' ? 'is not an action of ha-scenario/1' : undefined,
  },
);

export type ScenarioAction = z.infer<typeof actionSchema>;
