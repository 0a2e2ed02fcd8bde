import { z } from 'zod';
import { failoverViewSchema } from '../../schema/views.ts';
import { answers, valueOf, type Api, type RouteContext } from '../api.ts';

const tags = ['failovers'];

export function failoverRoutes(api: Api, { service }: RouteContext): void {
  api.get(
    '/v1/failovers',
    {
      schema: {
        operationId: 'failovers',
        summary: 'Records of failovers',
        tags,
        response: answers(z.array(failoverViewSchema)),
      },
    },
    async () => [...valueOf(await service.failovers())],
  );
  api.get(
    '/v1/failovers/:id',
    {
      schema: {
        operationId: 'failover',
        summary: 'The record of one failover',
        tags,
        params: z.object({ id: z.string().min(1).max(64) }),
        response: answers(failoverViewSchema),
      },
    },
    async (request) => valueOf(await service.failover(request.params.id)),
  );
}
