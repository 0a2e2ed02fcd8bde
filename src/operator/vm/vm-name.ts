import { createHash } from 'node:crypto';
import type { KubeObject } from '../kube/kube-api.ts';

const hashLength = 8;
const longest = 63;

/**
 * The name in Kennel of the VM of an object. Two namespaces may hold the same name and Kennel has one name
 * space, and `a-b/c` is not `a/b-c`: hence the hash. An object can so only ever reach its own VM, also
 * one that was made before the object was restored or written anew.
 */
export function vmNameOf(namespace: string, name: string): string {
  const hash = createHash('sha256')
    .update(`${namespace}/${name}`)
    .digest('hex')
    .slice(0, hashLength);
  const readable = `${namespace}-${name}`.replaceAll('.', '-').slice(0, longest - hashLength - 1);
  return `${readable.replace(/-+$/, '')}-${hash}`;
}

export function vmNameOfObject({ metadata: { namespace, name } }: KubeObject): string {
  return vmNameOf(namespace ?? '', name);
}
