import { isDeepStrictEqual } from 'node:util';
import type { KubeAnswer, KubeApi, KubeObject } from './kube-api.ts';
import { apiVersionOf, objectPath, type Resource } from './resource.ts';

export const fieldManager = 'kennel-operator';
const contentType = 'application/apply-patch+yaml';

/**
 * Writes the whole status, all of whose fields are ours. The uid is named, so that an object of the same
 * name that came later is not written to.
 */
export function applyStatus(
  api: KubeApi,
  resource: Resource,
  { metadata: { name, namespace, uid } }: KubeObject,
  status: unknown,
): Promise<KubeAnswer> {
  return api.call({
    method: 'PATCH',
    path: `${objectPath(resource, { namespace, name })}/status`,
    query: { fieldManager, force: 'true' },
    contentType,
    body: {
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid },
      status,
    },
  });
}

/** Sets our finalizers of an object to these, and leaves those of others. */
export function applyFinalizers(
  api: KubeApi,
  resource: Resource,
  { metadata: { name, namespace, uid } }: KubeObject,
  finalizers: readonly string[],
): Promise<KubeAnswer> {
  return api.call({
    method: 'PATCH',
    path: objectPath(resource, { namespace, name }),
    query: { fieldManager: `${fieldManager}-finalizer` },
    contentType,
    body: {
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid, finalizers },
    },
  });
}

/** Makes an object, or sets the fields named here; for objects that are ours as a whole. */
export function applyObject(
  api: KubeApi,
  resource: Resource,
  object: { readonly name: string; readonly spec: unknown },
): Promise<KubeAnswer> {
  return api.call({
    method: 'PATCH',
    path: objectPath(resource, { name: object.name }),
    query: { fieldManager, force: 'true' },
    contentType,
    body: {
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: { name: object.name },
      spec: object.spec,
    },
  });
}

/**
 * Changes an object of others, where its fields cannot be owned one by one. The patch names the version
 * that it was made from.
 */
export function mergeObject(
  api: KubeApi,
  resource: Resource,
  { metadata: { name, namespace } }: KubeObject,
  patch: unknown,
): Promise<KubeAnswer> {
  return api.call({
    method: 'PATCH',
    path: objectPath(resource, { namespace, name }),
    query: { fieldManager },
    contentType: 'application/merge-patch+json',
    body: patch,
  });
}

/** Equal as the server keeps it: fields that are undefined are not there. */
export function isSameJson(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

const plain = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value));
