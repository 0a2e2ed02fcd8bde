import { z } from 'zod';
import { answers, valueOf, type Api, type RouteContext } from '../api.ts';
import { openApiOf } from '../openapi.ts';

const tags = ['tools'];

export function toolRoutes(api: Api, { service }: RouteContext): void {
  api.get(
    '/metrics',
    {
      schema: {
        operationId: 'metrics',
        summary: 'Metrics in the text format of Prometheus',
        tags,
        response: {
          200: { description: 'metrics', content: { 'text/plain': { schema: z.string() } } },
        },
      },
    },
    async (_request, reply) => {
      const text = await service.metrics();
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text);
    },
  );
  api.get(
    '/v1/backup',
    {
      schema: {
        operationId: 'backup',
        summary: 'All of the store as one file; secrets in it are sealed',
        tags,
        response: {
          200: { description: 'a backup', content: { 'text/plain': { schema: z.string() } } },
        },
      },
    },
    async (_request, reply) => {
      const text = valueOf(await service.backup());
      return reply.type('text/plain; charset=utf-8').send(text);
    },
  );
  api.get(
    '/openapi.json',
    {
      schema: {
        operationId: 'openapi',
        summary: 'This document',
        tags,
        response: answers(z.looseObject({ openapi: z.string() })),
      },
    },
    async () => openApiOf(api),
  );
}
