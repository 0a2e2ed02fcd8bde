import { z } from 'zod';

/** A point in time, as Kubernetes writes it. */
export const timeSchema = z.string().max(64).meta({ format: 'date-time' });

const conditionSchema = z.strictObject({
  type: z.string().max(316),
  status: z.enum(['True', 'False', 'Unknown']),
  observedGeneration: z.int().min(0).optional(),
  lastTransitionTime: timeSchema,
  reason: z
    .string()
    .min(1)
    .max(1024)
    .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/),
  message: z.string().max(32_768),
});

/** At most one of a type: each is its own field to server-side apply. */
export const conditionsSchema = z
  .array(conditionSchema)
  .max(32)
  .meta({
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
  });

export type Condition = z.infer<typeof conditionSchema>;
