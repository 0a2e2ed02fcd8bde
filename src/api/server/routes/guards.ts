import { z } from 'zod';
import {
  changeSettingsSchema,
  failoverExportSchema,
  governorViewSchema,
  labelNodeSchema,
  settingViewSchema,
} from '../../schema/guards.ts';
import { nameSchema } from '../../schema/primitives.ts';
import { nodeViewSchema } from '../../schema/views.ts';
import { answers, callerOf, changeQuery, valueOf, type Api, type RouteContext } from '../api.ts';

const tags = ['guards'];
const params = z.object({ node: nameSchema });

export function guardRoutes(api: Api, { service }: RouteContext): void {
  api.get(
    '/v1/governor',
    {
      schema: {
        operationId: 'governor',
        summary: 'The storm governor: what it holds, what it counts',
        tags,
        response: answers(governorViewSchema),
      },
    },
    async () => valueOf(await service.governor()),
  );
  api.post(
    '/v1/governor/release',
    {
      schema: {
        operationId: 'releaseGovernor',
        summary: 'Let the nodes of the present incident be powered off',
        tags,
        querystring: changeQuery,
        response: answers(governorViewSchema),
      },
    },
    async (request) => valueOf(await service.releaseGovernor(callerOf(request))),
  );
  api.post(
    '/v1/nodes/:node/labels',
    {
      schema: {
        operationId: 'labelNode',
        summary: 'Set labels of a node, or take them away',
        tags,
        params,
        querystring: changeQuery,
        body: labelNodeSchema,
        response: answers(nodeViewSchema),
      },
    },
    async (request) =>
      valueOf(await service.labelNode(request.params.node, request.body, callerOf(request))),
  );
  api.post(
    '/v1/nodes/:node/unquarantine',
    {
      schema: {
        operationId: 'unquarantine',
        summary: 'Let a quarantined node take VMs again',
        tags,
        params,
        querystring: changeQuery,
        response: answers(nodeViewSchema),
      },
    },
    async (request) => valueOf(await service.unquarantine(request.params.node, callerOf(request))),
  );
}

export function settingRoutes(api: Api, { service }: RouteContext): void {
  api.get(
    '/v1/settings',
    {
      schema: {
        operationId: 'settings',
        summary: 'What can be set for the whole cluster',
        tags,
        response: answers(z.array(settingViewSchema)),
      },
    },
    async () => [...valueOf(await service.settings())],
  );
  api.post(
    '/v1/settings',
    {
      schema: {
        operationId: 'changeSettings',
        summary: 'Change settings, all that are named or none',
        tags,
        querystring: changeQuery,
        body: changeSettingsSchema,
        response: answers(z.array(settingViewSchema)),
      },
    },
    async (request) => [...valueOf(await service.changeSettings(request.body, callerOf(request)))],
  );
  api.get(
    '/v1/failover-export',
    {
      schema: {
        operationId: 'exportFailovers',
        summary: 'Records of failovers with their proofs, to be verified anywhere',
        tags: ['failovers'],
        response: answers(failoverExportSchema),
      },
    },
    async () => valueOf(await service.exportFailovers()),
  );
}
