import { z } from 'zod';
import { screenshotViewSchema } from '../../schema/guest-stream.ts';
import {
  actOnVmSchema,
  cloneVmSchema,
  editVmSchema,
  lockVmSchema,
  renameVmSchema,
} from '../../schema/requests.ts';
import { snapshotVmSchema } from '../../schema/snapshot.ts';
import { vmEditedSchema, vmViewSchema, whyViewSchema } from '../../schema/views.ts';
import { answers, callerOf, changeQuery, valueOf, type Api, type RouteContext } from '../api.ts';

const tags = ['vms'];
const params = z.object({ vm: z.string().min(1).max(63).describe('name or UUID') });

export function vmVerbRoutes(api: Api, { service: { vmVerbs, vmStreams } }: RouteContext): void {
  const base = { tags, params, querystring: changeQuery, response: answers(vmViewSchema) };
  api.post(
    '/v1/vms/:vm/act',
    {
      schema: {
        ...base,
        operationId: 'actOnVm',
        summary: 'Pause, resume, reset, reboot or restart a VM, once per request',
        body: actOnVmSchema,
      },
    },
    async (request) =>
      valueOf(await vmVerbs.act(request.params.vm, request.body, callerOf(request))),
  );
  api.post(
    '/v1/vms/:vm/snapshot',
    {
      schema: {
        ...base,
        operationId: 'snapshotVm',
        summary: 'Make, go back to or delete a snapshot of a VM that runs, once per request',
        body: snapshotVmSchema,
      },
    },
    async (request) =>
      valueOf(await vmVerbs.snapshot(request.params.vm, request.body, callerOf(request))),
  );
  api.post(
    '/v1/vms/:vm/lock',
    {
      schema: {
        ...base,
        operationId: 'lockVm',
        summary: 'Let a VM neither start nor move until it is unlocked',
        body: lockVmSchema,
      },
    },
    async (request) =>
      valueOf(await vmVerbs.lock(request.params.vm, request.body, callerOf(request))),
  );
  api.post(
    '/v1/vms/:vm/unlock',
    { schema: { ...base, operationId: 'unlockVm', summary: 'Take the lock off a VM' } },
    async (request) => valueOf(await vmVerbs.unlock(request.params.vm, callerOf(request))),
  );
  api.post(
    '/v1/vms/:vm/edit',
    {
      schema: {
        ...base,
        operationId: 'editVm',
        summary: 'Give a VM another spec; a dry run says what of it would hold when',
        body: editVmSchema,
        response: answers(vmEditedSchema),
      },
    },
    async (request) =>
      valueOf(await vmVerbs.edit(request.params.vm, request.body, callerOf(request))),
  );
  api.post(
    '/v1/vms/:vm/rename',
    {
      schema: {
        ...base,
        operationId: 'renameVm',
        summary: 'Give a VM that is off another name, once per request',
        body: renameVmSchema,
      },
    },
    async (request) =>
      valueOf(await vmVerbs.rename(request.params.vm, request.body, callerOf(request))),
  );
  api.post(
    '/v1/vms/:vm/clone',
    {
      schema: {
        ...base,
        operationId: 'cloneVm',
        summary: 'Make a VM like another one, on disks that exist, once per request',
        body: cloneVmSchema,
      },
    },
    async (request) =>
      valueOf(await vmVerbs.clone(request.params.vm, request.body, callerOf(request))),
  );
  api.get(
    '/v1/vms/:vm/screenshot',
    {
      schema: {
        operationId: 'screenshotOfVm',
        summary: 'A picture of the screen of a VM that runs',
        tags,
        params,
        response: answers(screenshotViewSchema),
      },
    },
    async (request) => valueOf(await vmStreams.screenshot(request.params.vm)),
  );
  api.get(
    '/v1/vms/:vm/why',
    {
      schema: {
        operationId: 'whyVm',
        summary: 'The chain of events that led to the place of a VM',
        tags,
        params,
        response: answers(whyViewSchema),
      },
    },
    async (request) => valueOf(await vmVerbs.why(request.params.vm)),
  );
}
