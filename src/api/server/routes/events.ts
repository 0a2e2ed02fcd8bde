import { z } from 'zod';
import { eventViewSchema } from '../../schema/views.ts';
import { answers, valueOf, type Api, type RouteContext } from '../api.ts';
import { streamEvents } from '../event-stream.ts';

const tags = ['events'];
const after = z.coerce
  .number<string>()
  .int()
  .min(0)
  .default(0)
  .describe('sequence of the last event seen');

export function eventRoutes(api: Api, context: RouteContext): void {
  const { service } = context;
  api.get(
    '/v1/events',
    {
      schema: {
        operationId: 'events',
        summary: 'Events after a sequence number, oldest first',
        tags,
        querystring: z.strictObject({
          after,
          limit: z.coerce.number<string>().int().min(1).max(1000).default(100),
        }),
        response: answers(z.array(eventViewSchema)),
      },
    },
    async ({ query }) => [...valueOf(await service.events(query.after, query.limit))],
  );
  api.get(
    '/v1/watch',
    {
      schema: {
        operationId: 'watchEvents',
        summary: 'Events as they happen: one JSON object per line, blank lines keep it alive',
        tags,
        querystring: z.strictObject({ after }),
        response: {
          200: {
            description: 'a stream that ends when either side closes it',
            content: { 'application/x-ndjson': { schema: eventViewSchema } },
          },
        },
      },
    },
    (request, reply) => {
      reply.hijack();
      streamEvents(reply.raw, request.query.after, context);
    },
  );
}
