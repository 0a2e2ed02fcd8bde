import { z } from 'zod';
import { eventViewSchema } from '../../schema/views.ts';
import { answers, valueOf, type Api, type RouteContext } from '../api.ts';
import { streamEvents } from '../event-stream.ts';

const tags = ['events'];
const sequence = z.coerce.number<string>().int().min(0);
const after = sequence.default(0).describe('sequence of the last event seen');

const count = z.coerce.number<string>().int().min(1).max(1000);

export function eventRoutes(api: Api, context: RouteContext): void {
  const { service } = context;
  api.get(
    '/v1/events',
    {
      schema: {
        operationId: 'events',
        summary: 'Events, oldest first: those after a sequence number, or the last ones before one',
        tags,
        querystring: z.strictObject({
          after,
          limit: count.default(100),
          last: count.optional().describe('the last so many, instead of those after a number'),
          before: sequence.optional().describe('with last: only events before this number'),
        }),
        response: answers(z.array(eventViewSchema)),
      },
    },
    async ({ query: { after: from, limit, last, before } }) => [
      ...valueOf(
        last === undefined
          ? await service.events(from, limit)
          : await service.lastEvents(before ?? null, last),
      ),
    ],
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
