import { z } from 'zod';
import {
  adoptVmSchema,
  createVmSchema,
  moveVmSchema,
  stopVmSchema,
} from '../../schema/requests.ts';
import { vmViewSchema } from '../../schema/views.ts';
import {
  answers,
  callerOf,
  changeQuery,
  fresh,
  valueOf,
  type Api,
  type RouteContext,
} from '../api.ts';

const tags = ['vms'];
const params = z.object({ vm: z.string().min(1).max(63).describe('name or UUID') });
const response = answers(vmViewSchema);

export function vmRoutes(api: Api, { service }: RouteContext): void {
  api.get(
    '/v1/vms',
    {
      schema: {
        operationId: 'vms',
        summary: 'All VMs',
        tags,
        response: answers(z.array(vmViewSchema)),
      },
    },
    async () => fresh(valueOf(await service.status())).vms,
  );
  api.get(
    '/v1/vms/:vm',
    { schema: { operationId: 'vm', summary: 'One VM', tags, params, response } },
    async (request) => valueOf(await service.vm(request.params.vm)),
  );
  api.post(
    '/v1/vms',
    {
      schema: {
        operationId: 'createVm',
        summary: 'Create a VM; a dry run checks the spec and says where it would run',
        tags,
        querystring: changeQuery,
        body: createVmSchema,
        response,
      },
    },
    async (request) => valueOf(await service.createVm(request.body, callerOf(request))),
  );
  api.post(
    '/v1/vms/adopt',
    {
      schema: {
        operationId: 'adoptVm',
        summary: 'Take over a domain that a node already has',
        tags,
        querystring: changeQuery,
        body: adoptVmSchema,
        response,
      },
    },
    async (request) => valueOf(await service.adoptVm(request.body, callerOf(request))),
  );
}

export function vmChangeRoutes(api: Api, { service }: RouteContext): void {
  const base = { tags, params, querystring: changeQuery, response };
  api.post(
    '/v1/vms/:vm/start',
    { schema: { ...base, operationId: 'startVm', summary: 'Want a VM running' } },
    async (request) => valueOf(await service.startVm(request.params.vm, callerOf(request))),
  );
  api.post(
    '/v1/vms/:vm/stop',
    {
      schema: { ...base, operationId: 'stopVm', summary: 'Want a VM stopped', body: stopVmSchema },
    },
    async (request) =>
      valueOf(await service.stopVm(request.params.vm, request.body, callerOf(request))),
  );
  api.post(
    '/v1/vms/:vm/disable',
    {
      schema: {
        ...base,
        operationId: 'disableVm',
        summary: 'Want a VM off, and untouched by failover',
        body: stopVmSchema,
      },
    },
    async (request) =>
      valueOf(await service.disableVm(request.params.vm, request.body, callerOf(request))),
  );
  api.post(
    '/v1/vms/:vm/ignore',
    { schema: { ...base, operationId: 'ignoreVm', summary: 'Leave a VM to people, as it is' } },
    async (request) => valueOf(await service.ignoreVm(request.params.vm, callerOf(request))),
  );
  api.post(
    '/v1/vms/:vm/move',
    {
      schema: {
        ...base,
        operationId: 'moveVm',
        summary: 'Want a VM on another node, live or by a stop and a start',
        body: moveVmSchema,
      },
    },
    async (request) =>
      valueOf(await service.moveVm(request.params.vm, request.body, callerOf(request))),
  );
  api.post(
    '/v1/vms/:vm/cancel-move',
    { schema: { ...base, operationId: 'cancelMove', summary: 'Let a VM stay where it is' } },
    async (request) => valueOf(await service.cancelMove(request.params.vm, callerOf(request))),
  );
  api.post(
    '/v1/vms/:vm/forget',
    {
      schema: {
        ...base,
        operationId: 'forgetVm',
        summary: 'Take a VM out of the cluster and leave it as it is',
      },
    },
    async (request) => valueOf(await service.forgetVm(request.params.vm, callerOf(request))),
  );
  api.delete(
    '/v1/vms/:vm',
    {
      schema: {
        ...base,
        operationId: 'deleteVm',
        summary: 'Stop a VM and forget it; disks are kept',
      },
    },
    async (request) => valueOf(await service.deleteVm(request.params.vm, callerOf(request))),
  );
}
