import { z } from 'zod';
import {
  placementPolicySchema,
  ruleSchema,
  ruleViewSchema,
  siteSnapshotSchema,
} from '../../schema/placement.ts';
import { answers, callerOf, changeQuery, valueOf, type Api, type RouteContext } from '../api.ts';

const tags = ['placement'];
const params = z.object({ rule: z.string().min(1).max(63) });

export function placementRoutes(api: Api, { service }: RouteContext): void {
  api.get(
    '/v1/placement',
    {
      schema: {
        operationId: 'placement',
        summary: 'What plans of placement rest on: nodes, VMs, rules, policy',
        tags,
        response: answers(siteSnapshotSchema),
      },
    },
    async () => valueOf(await service.placement()),
  );
  api.post(
    '/v1/placement/policy',
    {
      schema: {
        operationId: 'setPlacementPolicy',
        summary: 'Failover capacity, rebalancing',
        tags,
        querystring: changeQuery,
        body: placementPolicySchema,
        response: answers(placementPolicySchema),
      },
    },
    async (request) => valueOf(await service.setPlacementPolicy(request.body, callerOf(request))),
  );
  api.get(
    '/v1/rules',
    {
      schema: {
        operationId: 'rules',
        summary: 'All placement rules',
        tags,
        response: answers(z.array(ruleViewSchema)),
      },
    },
    async () => [...valueOf(await service.rules())],
  );
  api.post(
    '/v1/rules',
    {
      schema: {
        operationId: 'addRule',
        summary: 'Add a placement rule; one that contradicts others is refused',
        tags,
        querystring: changeQuery,
        body: ruleSchema,
        response: answers(ruleViewSchema),
      },
    },
    async (request) => valueOf(await service.addRule(request.body, callerOf(request))),
  );
  api.delete(
    '/v1/rules/:rule',
    {
      schema: {
        operationId: 'removeRule',
        summary: 'Remove a placement rule; what runs stays where it is',
        tags,
        params,
        querystring: changeQuery,
        response: answers(ruleViewSchema),
      },
    },
    async (request) => valueOf(await service.removeRule(request.params.rule, callerOf(request))),
  );
}
