import { z } from 'zod';
import { addAlertSchema, alertTestViewSchema, alertViewSchema } from '../../schema/alerts.ts';
import { nameSchema } from '../../schema/primitives.ts';
import { answers, callerOf, changeQuery, valueOf, type Api, type RouteContext } from '../api.ts';

const tags = ['alerts'];
const params = z.object({ alert: nameSchema });

export function alertRoutes(api: Api, { service }: RouteContext): void {
  api.get(
    '/v1/alerts',
    {
      schema: {
        operationId: 'alerts',
        summary: 'Who is told of what, and how that goes',
        tags,
        response: answers(z.array(alertViewSchema)),
      },
    },
    async () => [...valueOf(await service.alerts())],
  );
  api.post(
    '/v1/alerts/:alert',
    {
      schema: {
        operationId: 'addAlert',
        summary: 'Tell somebody from now on, or change where and of what',
        tags,
        params,
        querystring: changeQuery,
        body: addAlertSchema,
        response: answers(alertViewSchema),
      },
    },
    async (request) =>
      valueOf(await service.addAlert(request.params.alert, request.body, callerOf(request))),
  );
  api.delete(
    '/v1/alerts/:alert',
    {
      schema: {
        operationId: 'removeAlert',
        summary: 'Tell somebody no more',
        tags,
        params,
        querystring: changeQuery,
        response: answers(alertViewSchema),
      },
    },
    async (request) => valueOf(await service.removeAlert(request.params.alert, callerOf(request))),
  );
  api.post(
    '/v1/alerts/:alert/test',
    {
      schema: {
        operationId: 'testAlert',
        summary: 'Tell somebody something harmless, now',
        tags,
        params,
        querystring: changeQuery,
        response: answers(alertTestViewSchema),
      },
    },
    async (request) => valueOf(await service.testAlert(request.params.alert, callerOf(request))),
  );
}
