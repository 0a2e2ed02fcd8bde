import { z } from 'zod';
import { maintainNodeSchema, maintenanceViewSchema } from '../../schema/maintenance.ts';
import { nameSchema } from '../../schema/primitives.ts';
import { answers, callerOf, changeQuery, valueOf, type Api, type RouteContext } from '../api.ts';

const tags = ['nodes'];
const params = z.object({ node: nameSchema });

export function maintenanceRoutes(api: Api, { service }: RouteContext): void {
  api.get(
    '/v1/maintenance',
    {
      schema: {
        operationId: 'maintenance',
        summary: 'Nodes that are closed, emptied, down as they said, or take VMs back',
        tags,
        response: answers(z.array(maintenanceViewSchema)),
      },
    },
    async () => [...valueOf(await service.maintenance.ls())],
  );
  api.post(
    '/v1/nodes/:node/maintenance',
    {
      schema: {
        operationId: 'maintainNode',
        summary:
          'Cordon a node, empty it, take it into maintenance and out of it, reboot it, shut it down',
        tags,
        params,
        querystring: changeQuery,
        body: maintainNodeSchema,
        response: answers(maintenanceViewSchema),
      },
    },
    async (request) =>
      valueOf(
        await service.maintenance.change(request.params.node, request.body, callerOf(request)),
      ),
  );
}
