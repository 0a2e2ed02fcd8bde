import { armingViewSchema, disarmSchema } from '../../schema/arming.ts';
import { answers, callerOf, changeQuery, valueOf, type Api, type RouteContext } from '../api.ts';

const tags = ['guards'];

export function armingRoutes(api: Api, { service }: RouteContext): void {
  api.post(
    '/v1/disarm',
    {
      schema: {
        operationId: 'disarm',
        summary: 'Do nothing by itself: fence nobody, restart and move no VM',
        tags,
        querystring: changeQuery,
        body: disarmSchema,
        response: answers(armingViewSchema),
      },
    },
    async (request) => valueOf(await service.disarm(request.body, callerOf(request))),
  );
  api.post(
    '/v1/arm',
    {
      schema: {
        operationId: 'arm',
        summary: 'Fence and recover by itself again',
        tags,
        querystring: changeQuery,
        response: answers(armingViewSchema),
      },
    },
    async (request) => valueOf(await service.arm(callerOf(request))),
  );
}
