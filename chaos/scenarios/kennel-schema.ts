import { z } from 'zod';
import { guestPolicySchema, vmDependencySchema } from '../../src/api/schema/vm-guest.ts';

/*
 * `x-kennel`: faults and expectations that the neutral vocabulary has no words for. Explained in
 * docs/scenarios.md.
 */

const node = z.string().min(1);
const host = z
  .string()
  .regex(/^(?:node|bmc|manager):.+$/, 'must be node:NAME, bmc:NAME or manager:NUMBER');
const manager = z.union([z.int().min(1), z.literal('leader')]);

const common = {
  t_seconds: z.number().min(0),
  /** Not at that second, but at the first instant from then on at which this is so. */
  when: z
    .strictObject({ fence_of: node, phase: z.enum(['intent', 'acting', 'proven']) })
    .optional(),
};

const onNode = <const A extends string>(action: A) =>
  z.strictObject({ ...common, action: z.literal(action), node });
const onGuest = <const A extends string>(action: A) =>
  z.strictObject({ ...common, action: z.literal(action), service: z.string().min(1) });
const onManager = <const A extends string>(action: A) =>
  z.strictObject({ ...common, action: z.literal(action), manager });
const onLink = <const A extends string>(action: A) =>
  z.strictObject({
    ...common,
    action: z.literal(action),
    from: host,
    to: host,
    /** Also the other direction. */
    both: z.boolean().default(true),
  });

const bmcModeSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.enum([
      'ok',
      'lieOff',
      'lieOn',
      'stuck',
      'fail',
      'busy',
      'unreachable',
      'dead',
      'wrongPassword',
      'dieMidOperation',
    ]),
  }),
  z.strictObject({ kind: z.enum(['slow', 'delayed']), ms: z.number().positive() }),
]);

/** `slow`: every sync takes so much longer. */
const stateDiskSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['ok', 'readOnly', 'full']) }),
  z.strictObject({ kind: z.literal('slow'), ms: z.number().positive() }),
]);

const detectionSchema = z.enum(['fast', 'default', 'conservative']);

export const kennelActionSchema = z.discriminatedUnion(
  'action',
  [
    onLink('link.cut'),
    onLink('link.heal'),
    z.strictObject({
      ...common,
      action: z.literal('link.degrade'),
      from: host,
      to: host,
      both: z.boolean().default(true),
      /** Share of packets lost, 0 to 1. */
      loss: z.number().min(0).max(1).default(0),
      delay_ms: z.number().min(0).default(0),
    }),
    z.strictObject({ ...common, action: z.literal('bmc.mode'), node, mode: bmcModeSchema }),
    z.strictObject({
      ...common,
      action: z.literal('pdu.mode'),
      node,
      outlet: z.enum(['a', 'b']),
      mode: bmcModeSchema,
    }),
    onNode('node.freeze'),
    onNode('node.thaw'),
    onNode('node.panic'),
    onNode('node.reset'),
    /** The disk to which the agent writes what it must not forget. */
    z.strictObject({
      ...common,
      action: z.literal('node.state_disk'),
      node,
      disk: stateDiskSchema,
    }),
    z.strictObject({
      ...common,
      action: z.literal('node.starve'),
      node,
      /** So much of one CPU is left to the agent and all beside it; null = all of it again. */
      share: z.number().positive().max(1).nullable(),
    }),
    onNode('agent.crash'),
    onNode('agent.pause'),
    onNode('agent.resume'),
    onNode('petter.crash'),
    onNode('petter.pause'),
    onNode('petter.resume'),
    /** What its VMs' processes are at does not end: no signal reaches them. */
    onNode('vms.unkillable'),
    onManager('manager.crash'),
    onManager('manager.pause'),
    onManager('manager.resume'),
    onNode('hypervisor.hang'),
    onNode('hypervisor.resume'),
    onNode('hypervisor.kill'),
    onNode('hypervisor.start'),
    z.strictObject({
      ...common,
      action: z.literal('vm.crash'),
      service: z.string().min(1),
      times: z.int().min(1).default(1),
      every_seconds: z.number().positive().default(10),
    }),
    /** The guest shuts itself down, or hangs. */
    onGuest('guest.shutdown'),
    onGuest('guest.silence'),
    z.strictObject({
      ...common,
      action: z.literal('person.confirm_off'),
      node,
      reason: z.string().min(1),
    }),
    z.strictObject({
      ...common,
      action: z.literal('person.fence'),
      node,
      reason: z.string().min(1),
      override: z.boolean().default(false),
    }),
  ],
  { error: (issue) => (issue.code === 'invalid_union' ? 'is no action of x-kennel' : undefined) },
);

export const kennelSchema = z.strictObject({
  /** Rows of the failure catalogue. */
  covers: z.array(z.string()).default([]),
  managers: z
    .strictObject({
      /** Default: one per node. */
      count: z.int().min(1).max(7).optional(),
      /** `with-nodes`: manager n lives and dies with node n. `apart`: on machines of their own. */
      layout: z.enum(['with-nodes', 'apart']).default('with-nodes'),
      /** From a crash to the next start; null = it stays down. */
      restart_seconds: z.number().min(0).nullable().default(2),
    })
    .optional(),
  detection: detectionSchema.default('default'),
  /** What is otherwise on a lab, where processes need seconds of a busy machine to be back. */
  lab: z.strictObject({ detection: detectionSchema }).optional(),
  /** Every node has two supplies behind outlets, which are its second level. */
  pdus: z.boolean().default(false),
  /**
   * By service: what it starts after, and what is done about its guest, as in a VM's spec. A dependency
   * names a service; the host of a check is the name of a VM.
   */
  guests: z
    .record(
      z.string(),
      z.strictObject({
        after: z.array(vmDependencySchema.extend({ vm: z.string().min(1) })).default([]),
        guest: guestPolicySchema.optional(),
      }),
    )
    .default({}),
  /** Every node has such a watchdog, and fences itself where that may be relied on. */
  watchdog: z
    .strictObject({
      /** `late`: its firmware takes twice the time that it was given. `weak`: it dies with the kernel. */
      kind: z.enum(['strong', 'late', 'weak']).default('strong'),
      /** A copy of the open device outlives the petter. */
      held: z.boolean().default(true),
    })
    .optional(),
  boot_seconds: z.number().positive().default(40),
  timeline: z.array(kennelActionSchema).default([]),
  expect: z
    .strictObject({
      /** By which proof each node was proven dead, in order. */
      proofs: z
        .array(
          z.strictObject({
            node,
            kind: z.enum(['powerOff', 'newBoot', 'selfFence', 'kdump', 'storageCut', 'attested']),
          }),
        )
        .optional(),
      /** Nodes from which a BMC took power that was there, in order; also nodes proven dead. */
      power_cut: z.array(node).optional(),
    })
    .optional(),
});

export type KennelExtension = z.infer<typeof kennelSchema>;
export type KennelAction = z.infer<typeof kennelActionSchema>;
