import { z } from 'zod';
import {
  createManagerTokenSchema,
  handoverSchema,
  joinManagerSchema,
  managerJoinedSchema,
  managerRebuiltSchema,
  managersViewSchema,
  managerViewSchema,
} from '../../schema/managers.ts';
import type { PeerIdentity } from '../../../env/network.ts';
import { nameSchema } from '../../schema/primitives.ts';
import { tokenCreatedSchema } from '../../schema/requests.ts';
import { answers, callerOf, changeQuery, valueOf, type Api, type RouteContext } from '../api.ts';

const tags = ['managers'];

/** Anybody may send to it; nothing in it is this long. */
const joinBodyBytes = 64 * 1024;

export function managerRoutes(api: Api, { service }: RouteContext): void {
  api.get(
    '/v1/managers',
    {
      schema: {
        operationId: 'managers',
        summary: 'The managers, who leads, and the store behind them',
        tags,
        response: answers(managersViewSchema),
      },
    },
    async () => valueOf(await service.managers()),
  );
  api.post(
    '/v1/managers/tokens',
    {
      schema: {
        operationId: 'createManagerToken',
        summary: 'Make a token with which a manager joins; it is shown this once',
        tags,
        querystring: changeQuery,
        body: createManagerTokenSchema,
        response: answers(tokenCreatedSchema),
      },
    },
    async (request) => valueOf(await service.createManagerToken(request.body, callerOf(request))),
  );
  api.delete(
    '/v1/managers/:manager',
    {
      schema: {
        operationId: 'removeManager',
        summary: 'Remove a manager that the others can do without',
        tags,
        params: z.object({ manager: nameSchema }),
        querystring: changeQuery,
        response: answers(managerViewSchema),
      },
    },
    async (request) =>
      valueOf(await service.removeManager(request.params.manager, callerOf(request))),
  );
  api.post(
    '/v1/managers/join',
    {
      config: { isOpen: true },
      bodyLimit: joinBodyBytes,
      schema: {
        operationId: 'joinManager',
        summary: 'Enrol a manager with a join token, which stands in for a certificate',
        tags,
        security: [],
        body: joinManagerSchema,
        response: answers(managerJoinedSchema),
      },
    },
    async (request) => valueOf(await service.joinManager(request.body)),
  );
  api.post(
    '/v1/managers/handover',
    {
      config: { isForManagers: true },
      schema: {
        operationId: 'handover',
        summary: 'What a manager needs to lead: for managers that have joined, and nobody else',
        tags,
        security: [{ manager: [] }],
        response: answers(handoverSchema),
      },
    },
    async (request) => valueOf(await service.handover(asManager(request))),
  );
  api.post(
    '/v1/managers/rebuild',
    {
      config: { isForManagers: true },
      schema: {
        operationId: 'rebuildManager',
        summary: 'A manager that lost its part of the store begins again, under a new number',
        tags,
        security: [{ manager: [] }],
        response: answers(managerRebuiltSchema),
      },
    },
    async (request) => valueOf(await service.rebuildManager(asManager(request))),
  );
}

function asManager({ manager }: { readonly manager: PeerIdentity | null }): PeerIdentity {
  if (manager === null) throw new Error('a route for managers was open to others');
  return manager;
}
