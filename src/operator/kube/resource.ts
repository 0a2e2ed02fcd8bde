import type { KubeObject } from './kube-api.ts';

/** A kind as it is addressed: which URL its objects are under. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly isNamespaced: boolean;
}

export function apiVersionOf({ group, version }: Resource): string {
  return group === '' ? version : `${group}/${version}`;
}

/** The URL of all objects of a kind, or of those in one namespace. */
export function listPath(resource: Resource, namespace: string | null = null): string {
  const root = resource.group === '' ? '/api' : `/apis/${resource.group}`;
  const within = namespace === null ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}/${resource.version}${within}/${resource.plural}`;
}

export function objectPath(
  resource: Resource,
  { namespace, name }: { readonly namespace?: string | undefined; readonly name: string },
): string {
  const within = resource.isNamespaced ? (namespace ?? null) : null;
  return `${listPath(resource, within)}/${encodeURIComponent(name)}`;
}

/** `namespace/name`, or the name alone: what queues and stores know an object by. */
export function keyOf({ metadata: { namespace, name } }: KubeObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** The namespace of a key; empty for objects of the whole cluster. */
export function namespaceOf(key: string): string {
  const slash = key.indexOf('/');
  return slash === -1 ? '' : key.slice(0, slash);
}
