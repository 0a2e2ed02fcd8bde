import { z } from 'zod';
import {
  handoverSchema,
  managerJoinedSchema,
  managerRebuiltSchema,
  managersViewSchema,
  managerViewSchema,
} from '../api/schema/managers.ts';
import { joinedSchema, probeViewSchema, tokenCreatedSchema } from '../api/schema/requests.ts';
import {
  eventViewSchema,
  explanationViewSchema,
  failoverViewSchema,
  fenceViewSchema,
  nodeViewSchema,
  problemViewSchema,
  statusViewSchema,
  vmViewSchema,
} from '../api/schema/views.ts';

/** Every form an answer can have, by name. Loaded with the first answer, not at start-up. */
export const answerSchemas = {
  status: statusViewSchema,
  node: nodeViewSchema,
  nodes: z.array(nodeViewSchema),
  vm: vmViewSchema,
  vms: z.array(vmViewSchema),
  event: eventViewSchema,
  events: z.array(eventViewSchema),
  failover: failoverViewSchema,
  failovers: z.array(failoverViewSchema),
  explanation: explanationViewSchema,
  fence: fenceViewSchema,
  probe: probeViewSchema,
  tokenCreated: tokenCreatedSchema,
  joined: joinedSchema,
  managers: managersViewSchema,
  manager: managerViewSchema,
  managerJoined: managerJoinedSchema,
  managerRebuilt: managerRebuiltSchema,
  handover: handoverSchema,
  error: z.object({ error: problemViewSchema }),
};

export type AnswerForm = keyof typeof answerSchemas;
export type Answer<F extends AnswerForm> = z.infer<(typeof answerSchemas)[F]>;
