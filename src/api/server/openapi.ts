import type { Api } from './api.ts';

export const openApiVersion = '3.1.0';

/** What the document says about the whole interface; routes come from their schemas. */
export const documentHead = {
  openapi: openApiVersion,
  info: {
    title: 'Kennel',
    version: '1',
    description:
      'Control plane of a Kennel cluster. Every error is `{"error": problem}` with a stable code.',
  },
  security: [{ administrator: [] }],
};

/** The OpenAPI document of a built application. */
export function openApiOf(api: Api): Readonly<Record<string, unknown>> & { openapi: string } {
  const document = api.swagger();
  return {
    ...document,
    openapi: openApiVersion,
    components: {
      ...('components' in document ? document.components : {}),
      securitySchemes: {
        administrator: {
          type: 'mutualTLS',
          description: 'certificate of an administrator, issued by the cluster',
        },
      },
    },
  };
}
