import type { IncomingMessage, RequestListener } from 'node:http';
import type { Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import swagger from '@fastify/swagger';
import { fastify, type FastifyReply, type FastifyRequest } from 'fastify';
import {
  jsonSchemaTransform,
  serializerCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import type { ZodType } from 'zod';
import type { Problem } from '../../core/problem.ts';
import type { ClusterService } from '../cluster-service.ts';
import type { CredentialSource } from '../../pki/credentials.ts';
import { valueOf, type Api, type RouteContext } from './api.ts';
import { administratorOf, managerOf } from './authentication.ts';
import { noSuchRoute, problemOfError, RequestInvalid } from './error-answer.ts';
import { fieldProblem, type RequestPart } from './field-problems.ts';
import { documentHead } from './openapi.ts';
import { problemStatus } from './problem-status.ts';
import { enrolmentRoutes } from './routes/enrolment.ts';
import { eventRoutes } from './routes/events.ts';
import { failoverRoutes } from './routes/failovers.ts';
import { fenceDeviceRoutes } from './routes/fence-devices.ts';
import { fencingRoutes, nodeRoutes } from './routes/nodes.ts';
import { alertRoutes } from './routes/alerts.ts';
import { armingRoutes } from './routes/arming.ts';
import { guardRoutes, settingRoutes } from './routes/guards.ts';
import { maintenanceRoutes } from './routes/maintenance.ts';
import { placementRoutes } from './routes/placement.ts';
import { statusRoutes } from './routes/status.ts';
import { managerRoutes } from './routes/managers.ts';
import { toolRoutes } from './routes/tools.ts';
import { vmVerbRoutes } from './routes/vm-verbs.ts';
import { vmChangeRoutes, vmRoutes } from './routes/vms.ts';

const bodyLimitBytes = 2 * 1024 * 1024;

/**
 * The HTTP application, ready to serve. `makeServer` gets its request handler, to put behind as
 * many TLS servers as there are addresses.
 */
export async function buildApp(
  context: RouteContext,
  credentials: CredentialSource,
  makeServer: (handler: RequestListener) => Server,
): Promise<Api> {
  const api: Api = fastify({
    serverFactory: (handler) => makeServer(handler),
    bodyLimit: bodyLimitBytes,
    exposeHeadRoutes: false,
  }).withTypeProvider<ZodTypeProvider>();
  api.removeContentTypeParser('text/plain');
  api.setValidatorCompiler(compileValidator);
  api.setSerializerCompiler(serializerCompiler);
  authenticate(api, context, credentials);
  answerProblems(api, context);
  await api.register(swagger, { openapi: documentHead, transform: jsonSchemaTransform });
  for (const routes of [
    statusRoutes,
    nodeRoutes,
    fencingRoutes,
    fenceDeviceRoutes,
    vmRoutes,
    vmChangeRoutes,
    vmVerbRoutes,
    eventRoutes,
    armingRoutes,
    maintenanceRoutes,
    failoverRoutes,
    placementRoutes,
    enrolmentRoutes,
    managerRoutes,
    guardRoutes,
    settingRoutes,
    alertRoutes,
    toolRoutes,
  ]) {
    routes(api, context);
  }
  await api.ready();
  return api;
}

const partNames: Readonly<Record<string, RequestPart>> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
};

function compileValidator(route: { readonly schema: ZodType; readonly httpPart?: string }) {
  return (data: unknown): { error: Error } | { value: unknown } => {
    const result = route.schema.safeParse(data);
    if (result.success) return { value: result.data };
    const part = partNames[route.httpPart ?? 'body'] ?? 'body';
    const place = { schema: route.schema, data, part };
    return { error: new RequestInvalid(fieldProblem(result.error, place)) };
  };
}

/** Before the body is read, so that strangers can make the server read nothing. */
function authenticate(api: Api, { env }: RouteContext, credentials: CredentialSource): void {
  api.decorateRequest('administrator', null);
  api.decorateRequest('manager', null);
  api.addHook('onRequest', async (request) => {
    const { isOpen, isForManagers } = request.routeOptions.config;
    if (isOpen === true) return;
    const socket = request.raw.socket as TLSSocket;
    if (isForManagers === true) {
      request.manager = valueOf(managerOf(socket, credentials(), env.clock.wallIso()));
      return;
    }
    request.administrator = valueOf(administratorOf(socket, credentials(), env.clock.wallIso()));
  });
}

/**
 * Where the leader answers the same request; null when it is this one, or not known. The client
 * goes there itself: so the leader sees who asks, and no manager has to be believed about that.
 */
function leaderUrl(service: ClusterService, path: string): string | null {
  const leader = service.leader();
  return leader === null || leader.isSelf ? null : `https://${leader.api}${path}`;
}

function answerProblems(api: Api, { env, service }: RouteContext): void {
  const answer = (reply: FastifyReply, problem: Problem, status?: number): FastifyReply =>
    reply
      .code(status ?? problemStatus[problem.code])
      .type('application/json; charset=utf-8')
      .serializer((payload: unknown) => JSON.stringify(payload))
      .send({ error: problem });
  api.setErrorHandler((error, request, reply) => {
    const problem = problemOfError(error);
    if (problem.code === 'E_INTERNAL') {
      env.log.error({ err: error, ...about(request) }, 'a request met a defect');
    }
    if (problem.code === 'E_FORBIDDEN' || problem.code === 'E_CERTIFICATE') {
      // What the problem says names the caller as far as a certificate told who it is.
      env.log.warn({ ...about(request), because: problem.what }, 'a request was refused');
    }
    const elsewhere =
      problem.code === 'E_NOT_LEADER' ? leaderUrl(service, request.raw.url ?? '/') : null;
    if (elsewhere !== null) void reply.header('location', elsewhere);
    return answer(reply, problem, elsewhere === null ? undefined : 307);
  });
  api.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    return answer(reply, noSuchRoute(request.method, path));
  });
  api.addHook('onResponse', async (request, reply) => {
    const level = request.method === 'GET' ? 'debug' : 'info';
    const { statusCode: status, elapsedTime } = reply;
    const fields = { ...about(request), status, durationMs: Math.round(elapsedTime) };
    env.log[level](fields, 'request answered');
  });
}

/** What the log may know of a request: never its body or query. */
function about(request: {
  readonly method: string;
  readonly routeOptions: FastifyRequest['routeOptions'];
  readonly administrator: FastifyRequest['administrator'];
  readonly manager: FastifyRequest['manager'];
  readonly raw: IncomingMessage;
}): Record<string, unknown> {
  return {
    method: request.method,
    route: request.routeOptions.url ?? 'none',
    actor: request.administrator?.name ?? request.manager?.name ?? 'none',
    from: request.raw.socket.remoteAddress,
  };
}
