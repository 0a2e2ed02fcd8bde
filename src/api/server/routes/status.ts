import { z } from 'zod';
import { explanationViewSchema, statusViewSchema } from '../../schema/views.ts';
import { answers, valueOf, type Api, type RouteContext } from '../api.ts';

export function statusRoutes(api: Api, { service }: RouteContext): void {
  api.get(
    '/v1/status',
    {
      schema: {
        operationId: 'status',
        summary: 'The whole cluster, and what is wrong with it',
        tags: ['cluster'],
        response: answers(statusViewSchema),
      },
    },
    async () => valueOf(await service.status()),
  );
  api.get(
    '/v1/explain/:topic',
    {
      schema: {
        operationId: 'explain',
        summary: 'What a code means, or what a node or VM waits for',
        tags: ['cluster'],
        params: z.object({ topic: z.string().min(1).max(255) }),
        response: answers(explanationViewSchema),
      },
    },
    async (request) => valueOf(await service.explain(request.params.topic)),
  );
}
