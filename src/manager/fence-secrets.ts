import type { NodeRecord } from '../core/model/node.ts';
import type { Store } from '../store/store.ts';
import { secretKey } from './keys.ts';

/** Secrets of a fence device by name, empty when it has none. Rejects when the store is silent. */
export async function readFenceSecrets(
  store: Pick<Store, 'get'>,
  node: string,
  device: string,
): Promise<Readonly<Record<string, string>>> {
  const { item } = await store.get(secretKey(node, device));
  return item === null ? {} : (JSON.parse(item.value) as Record<string, string>);
}

/** The keys under which a node's fence devices have their secrets. */
export function fenceSecretKeys(node: NodeRecord): readonly string[] {
  const devices = node.fenceTopology.flatMap((level) => level.devices);
  return devices.map((device) => secretKey(node.id, device.id));
}
