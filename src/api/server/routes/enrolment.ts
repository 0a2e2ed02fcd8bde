import {
  createTokenSchema,
  joinedSchema,
  joinSchema,
  tokenCreatedSchema,
} from '../../schema/requests.ts';
import { answers, callerOf, changeQuery, valueOf, type Api, type RouteContext } from '../api.ts';

const tags = ['enrolment'];

/** Anybody may send to `/v1/join`; nothing in it is this long. */
const joinBodyBytes = 64 * 1024;

export function enrolmentRoutes(api: Api, { service }: RouteContext): void {
  api.post(
    '/v1/tokens',
    {
      schema: {
        operationId: 'createToken',
        summary: 'Make a join token; it is shown this once',
        tags,
        querystring: changeQuery,
        body: createTokenSchema,
        response: answers(tokenCreatedSchema),
      },
    },
    async (request) => valueOf(await service.createToken(request.body, callerOf(request))),
  );
  api.post(
    '/v1/join',
    {
      config: { isOpen: true },
      bodyLimit: joinBodyBytes,
      schema: {
        operationId: 'join',
        summary: 'Enrol a node with a join token, which stands in for a certificate',
        tags,
        security: [],
        body: joinSchema,
        response: answers(joinedSchema),
      },
    },
    async (request) => valueOf(await service.join(request.body)),
  );
}
