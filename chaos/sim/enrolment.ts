import { keyOf } from '../../src/core/cluster-state.ts';
import { managerId, nodeId, operationId } from '../../src/core/model/ids.ts';
import type { ManagerRecord, ManagerRole, Roster } from '../../src/core/model/manager.ts';
import type { FenceDevice, NodeRecord } from '../../src/core/model/node.ts';
import { encodeObject } from '../../src/manager/object-codec.ts';
import { secretKey } from '../../src/manager/keys.ts';
import { SecretBox, type ClusterKeys } from '../../src/pki/cluster-keys.ts';
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

/** Keys of every simulated cluster; there is nobody to keep a secret from. */
export const simKeys: ClusterKeys = [
  { id: '00000001', key: Buffer.alloc(32, 1).toString('base64') },
];

/** Records of the managers, as `kennel init` and `kennel manager join` leave them. */
export function managerWrites(
  managers: readonly {
    readonly name: string;
    readonly fingerprint: string;
    readonly sessions: string;
    readonly role: ManagerRole;
    readonly isWitness?: boolean;
  }[],
): readonly Write[] {
  const roster: Roster = { kind: 'roster', version: managers.length, lastNumber: managers.length };
  const records = managers.map(
    ({ name, fingerprint, sessions, role, isWitness }, index): ManagerRecord => ({
      kind: 'manager',
      id: managerId(name),
      number: index + 1,
      api: `${name}:7400`,
      sessions,
      certificateFingerprint: fingerprint,
      role,
      isWitness: isWitness === true,
      replaces: null,
      joinedAt: '2026-01-01T00:00:00.000Z',
    }),
  );
  return [roster, ...records].map((object) => ({
    kind: 'put',
    key: keyOf(object),
    value: encodeObject(object),
  }));
}

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
  // One secret per place and fixed texts: the same seed must write the same bytes.
  const box = new SecretBox(simKeys, () => 'simulated');
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
      const key = secretKey(name, device.id);
      const value = box.seal(key, JSON.stringify({ password: fencedBy.password }));
      writes.push({ kind: 'put', key, value });
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
