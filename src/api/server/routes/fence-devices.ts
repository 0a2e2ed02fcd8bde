import { z } from 'zod';
import {
  addFenceDeviceSchema,
  deviceTestViewSchema,
  drillNodeSchema,
  fenceDeviceAddedSchema,
  fenceDriverViewSchema,
  testFenceSchema,
} from '../../schema/fencing.ts';
import { nameSchema } from '../../schema/primitives.ts';
import { fenceViewSchema, nodeViewSchema } from '../../schema/views.ts';
import { answers, callerOf, changeQuery, valueOf, type Api, type RouteContext } from '../api.ts';

const tags = ['fencing'];
const params = z.object({ node: nameSchema });
const deviceParams = z.object({ node: nameSchema, device: nameSchema });

export function fenceDeviceRoutes(api: Api, { service }: RouteContext): void {
  api.get(
    '/v1/fence-drivers',
    {
      schema: {
        operationId: 'fenceDrivers',
        summary: 'The kinds of fence device, and what each is given',
        tags,
        response: answers(z.array(fenceDriverViewSchema)),
      },
    },
    async () => [...valueOf(await service.fenceDrivers())],
  );
  api.post(
    '/v1/nodes/:node/fence-devices',
    {
      schema: {
        operationId: 'addFenceDevice',
        summary: 'Probe a fence device and record it; a dry run only probes',
        tags,
        params,
        querystring: changeQuery,
        body: addFenceDeviceSchema,
        response: answers(fenceDeviceAddedSchema),
      },
    },
    async (request) =>
      valueOf(await service.addFenceDevice(request.params.node, request.body, callerOf(request))),
  );
  api.delete(
    '/v1/nodes/:node/fence-devices/:device',
    {
      schema: {
        operationId: 'removeFenceDevice',
        summary: 'Take a fence device out of the topology of a node',
        tags,
        params: deviceParams,
        querystring: changeQuery,
        response: answers(nodeViewSchema),
      },
    },
    async (request) => {
      const { node, device } = request.params;
      return valueOf(await service.removeFenceDevice(node, device, callerOf(request)));
    },
  );
  api.post(
    '/v1/nodes/:node/fence-test',
    {
      schema: {
        operationId: 'testFence',
        summary: 'Check the fence devices of a node; no power is changed',
        tags,
        params,
        querystring: changeQuery,
        body: testFenceSchema,
        response: answers(z.array(deviceTestViewSchema)),
      },
    },
    async (request) => [...valueOf(await service.testFence(request.params.node, request.body))],
  );
  api.post(
    '/v1/nodes/:node/fence-drill',
    {
      schema: {
        operationId: 'drillNode',
        summary: 'Power a node off for real, to see that it can be done',
        tags,
        params,
        querystring: changeQuery,
        body: drillNodeSchema,
        response: answers(fenceViewSchema),
      },
    },
    async (request) =>
      valueOf(await service.drillNode(request.params.node, request.body, callerOf(request))),
  );
}
