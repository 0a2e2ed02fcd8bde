import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import type { Api } from './api.ts';

const openApiVersion = '3.1.0';

type DocumentHead = NonNullable<FastifyDynamicSwaggerOptions['openapi']>;
type SecurityScheme = NonNullable<
  NonNullable<DocumentHead['components']>['securitySchemes']
>[string];

/** The types of the library do not know this kind, which OpenAPI has since 3.1. */
const administrator = {
  type: 'mutualTLS',
  description: 'certificate of an administrator, issued by the cluster',
} as unknown as SecurityScheme;

const manager = {
  type: 'mutualTLS',
  description: 'certificate of a manager, issued by the cluster',
} as unknown as SecurityScheme;

/** What the document says about the whole interface; routes come from their schemas. */
export const documentHead: DocumentHead = {
  openapi: openApiVersion,
  info: {
    title: 'Kennel',
    version: '1',
    description:
      'Control plane of a Kennel cluster. Every error is `{"error": problem}` with a stable code.',
  },
  components: { securitySchemes: { administrator, manager } },
  security: [{ administrator: [] }],
};

/** The OpenAPI document of a built application. */
export function openApiOf(api: Api): Readonly<Record<string, unknown>> & { openapi: string } {
  return { ...api.swagger(), openapi: openApiVersion };
}
