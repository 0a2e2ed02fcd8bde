import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z, type ZodType } from 'zod';
import type { Outcome } from '../../core/problem.ts';
import type { Env } from '../../env/env.ts';
import type { PeerIdentity } from '../../env/network.ts';
import { KennelError } from '../../errors/kennel-error.ts';
import type { Caller, ClusterService } from '../cluster-service.ts';
import { textSchema } from '../schema/primitives.ts';
import { problemViewSchema, type StatusView } from '../schema/views.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered without a certificate. */
    readonly isOpen?: boolean;
    /** Answered to managers, and to nobody else. */
    readonly isForManagers?: boolean;
  }
  interface FastifyRequest {
    /** Set before any handler of a route that is not open. */
    administrator: PeerIdentity | null;
    /** Set before the handler of a route for managers. */
    manager: PeerIdentity | null;
  }
}

export type Api = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

export interface RouteContext {
  readonly env: Pick<Env, 'clock' | 'timers' | 'log'>;
  readonly service: ClusterService;
  /** Fires when the server closes; open streams end then. */
  readonly closing: AbortSignal;
}

const errorAnswer = z.object({ error: problemViewSchema });

/** The documented answers of a route. */
export const answers = <T extends ZodType>(answer: T) => ({
  200: answer,
  '4xx': errorAnswer,
  '5xx': errorAnswer,
});

/** Query of every route that changes something. */
export const changeQuery = z.strictObject({
  dryRun: z.enum(['true', 'false']).optional().describe('answer what would be, change nothing'),
  reason: textSchema.min(1).optional().describe('why; kept with the events of the change'),
});

/** The value of an outcome; a problem leaves through the error handler, like every other. */
export function valueOf<T>(outcome: Outcome<T>): T {
  if (outcome.kind === 'problem') throw new KennelError(outcome.problem);
  return outcome.value;
}

/** A status that is certainly not old. Lists carry no age, so they are not made of an old one. */
export function fresh(status: StatusView): StatusView {
  if (status.ageMs === 0) return status;
  throw new KennelError({
    code: 'E_UNAVAILABLE',
    what: 'the state of the cluster cannot be read',
    because: `the store does not answer, and what is known here is ${status.ageMs} ms old`,
    so: 'nothing was answered, rather than something old',
    try: ['kennel status, which shows what is known and how old it is', 'kennel manager ls'],
  });
}

/** Who asks, for the service. Only for routes that are not open. */
export function callerOf(
  request: Pick<FastifyRequest, 'administrator'> & {
    readonly query: z.infer<typeof changeQuery>;
  },
): Caller {
  const identity = request.administrator;
  if (identity === null) throw new Error('a route that changes something is open');
  const { dryRun, reason } = request.query;
  return { identity, dryRun: dryRun === 'true', reason: reason ?? null };
}
