import { z } from 'zod';
import { nameSchema } from '../../schema/primitives.ts';
import { confirmOffSchema, fenceNodeSchema } from '../../schema/requests.ts';
import { fenceViewSchema, nodeViewSchema } from '../../schema/views.ts';
import {
  answers,
  callerOf,
  changeQuery,
  fresh,
  valueOf,
  type Api,
  type RouteContext,
} from '../api.ts';

const tags = ['nodes'];
const params = z.object({ node: nameSchema });

export function nodeRoutes(api: Api, { service }: RouteContext): void {
  api.get(
    '/v1/nodes',
    {
      schema: {
        operationId: 'nodes',
        summary: 'All nodes',
        tags,
        response: answers(z.array(nodeViewSchema)),
      },
    },
    async () => fresh(valueOf(await service.status())).nodes,
  );
  api.get(
    '/v1/nodes/:node',
    {
      schema: {
        operationId: 'node',
        summary: 'One node',
        tags,
        params,
        response: answers(nodeViewSchema),
      },
    },
    async (request) => valueOf(await service.node(request.params.node)),
  );
  api.delete(
    '/v1/nodes/:node',
    {
      schema: {
        operationId: 'removeNode',
        summary: 'Remove a node that holds no VMs',
        tags,
        params,
        querystring: changeQuery,
        response: answers(nodeViewSchema),
      },
    },
    async (request) => valueOf(await service.removeNode(request.params.node, callerOf(request))),
  );
}

export function fencingRoutes(api: Api, { service }: RouteContext): void {
  api.post(
    '/v1/nodes/:node/fence',
    {
      schema: {
        operationId: 'fenceNode',
        summary: 'Fence a node',
        tags,
        params,
        querystring: changeQuery,
        body: fenceNodeSchema,
        response: answers(fenceViewSchema),
      },
    },
    async (request) =>
      valueOf(await service.fenceNode(request.params.node, request.body, callerOf(request))),
  );
  api.post(
    '/v1/nodes/:node/confirm-off',
    {
      schema: {
        operationId: 'confirmOff',
        summary: 'State as a person that a node is off',
        tags,
        params,
        querystring: changeQuery,
        body: confirmOffSchema,
        response: answers(fenceViewSchema),
      },
    },
    async (request) =>
      valueOf(await service.confirmOff(request.params.node, request.body, callerOf(request))),
  );
  api.post(
    '/v1/nodes/:node/power-on',
    {
      schema: {
        operationId: 'powerOn',
        summary: 'Switch a fenced node on again',
        tags,
        params,
        querystring: changeQuery,
        response: answers(nodeViewSchema),
      },
    },
    async (request) => valueOf(await service.powerOn(request.params.node, callerOf(request))),
  );
}
