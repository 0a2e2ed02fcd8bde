import { keyOf } from '../../src/core/cluster-state.ts';
import { nodeId, operationId } from '../../src/core/model/ids.ts';
import type { FenceDevice, NodeRecord } from '../../src/core/model/node.ts';
import { encodeObject } from '../../src/manager/object-codec.ts';
import { secretKey } from '../../src/manager/keys.ts';
import type { Store, Write } from '../../src/store/store.ts';
import { builtinDrivers } from '../../fencing/registry.ts';

/** What a node has beside its name, so that it can be fenced. */
export interface FencedBy {
  readonly bmcHost: string;
  readonly guid: string;
  readonly user: string;
  readonly password: string;
}

export const settleMs = 2000;

/**
 * Writes nodes into a store as `kennel node add` and `kennel node add-fence` leave them. Joining
 * itself makes keys and certificates, which is real work on real threads and has no place in
 * virtual time.
 */
export function enrolmentWrites(
  nodes: readonly {
    readonly name: string;
    readonly machineId: string;
    readonly fingerprint: string;
    readonly fencedBy: FencedBy | null;
  }[],
): readonly Write[] {
  return nodes.flatMap(({ name, machineId, fingerprint, fencedBy }) => {
    const device = fencedBy === null ? null : ipmiDevice(name, fencedBy);
    const record: NodeRecord = {
      kind: 'node',
      id: nodeId(name),
      machineId,
      address: name,
      capacity: { memoryMiB: 0, vcpus: 0 },
      labels: {},
      phase: 'joining',
      cordoned: false,
      maintenance: false,
      incarnation: null,
      fence: null,
      fenceTopology: device === null ? [] : [{ devices: [device] }],
      certificateFingerprint: fingerprint,
    };
    const writes: Write[] = [{ kind: 'put', key: keyOf(record), value: encodeObject(record) }];
    if (device !== null && fencedBy !== null) {
      const value = JSON.stringify({ password: fencedBy.password });
      writes.push({ kind: 'put', key: secretKey(name, device.id), value });
    }
    return writes;
  });
}

/** Commits the writes. Throws when they are not committed: nothing else uses the store yet. */
export async function enrol(store: Store, writes: readonly Write[]): Promise<void> {
  const outcome = await store.txn({
    operation: operationId('simulated-enrolment'),
    compare: [],
    then: writes,
  });
  if (outcome.kind !== 'committed') throw new Error(`enrolment: ${outcome.kind}`);
}

function ipmiDevice(name: string, fencedBy: FencedBy): FenceDevice {
  const driver = builtinDrivers().driver('ipmi');
  const parsed = driver?.parseSettings({
    host: fencedBy.bmcHost,
    user: fencedBy.user,
    cipherSuite: 17,
  });
  if (parsed?.kind !== 'ok') throw new Error(`fence device of ${name}: settings not accepted`);
  return {
    id: `${name}/ipmi`,
    driver: 'ipmi',
    settings: parsed.settings,
    identity: fencedBy.guid,
    settleMs,
  };
}
