import { keyOf } from '../../src/core/cluster-state.ts';
import { managerId, nodeId, operationId } from '../../src/core/model/ids.ts';
import type { ManagerRecord, ManagerRole, Roster } from '../../src/core/model/manager.ts';
import type { FenceDevice, NodeRecord } from '../../src/core/model/node.ts';
import { encodeObject } from '../../src/manager/object-codec.ts';
import { secretKey } from '../../src/manager/keys.ts';
import { SecretBox, type ClusterKeys } from '../../src/pki/cluster-keys.ts';
import type { Store, Write } from '../../src/store/store.ts';
import { outletText } from '../../fencing/driver.ts';
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
 * Writes nodes into a store as `kennel agent join` and `kennel fence add` leave them. Joining
 * itself makes keys and certificates, which is real work on real threads and has no place in
 * virtual time.
 */
export function enrolmentWrites(
  nodes: readonly {
    readonly name: string;
    readonly machineId: string;
    readonly fingerprint: string;
    readonly fencedBy: FencedBy | null;
    /** A second level of all of these, by their names; absent = none. */
    readonly pdus?: Readonly<Record<string, FencedBy>>;
    /** Time for the first level where there is a second one, in ms. */
    readonly levelBudgetMs?: number;
  }[],
): readonly Write[] {
  // One secret per place and fixed texts: the same seed must write the same bytes.
  const box = new SecretBox(simKeys, () => 'simulated');
  return nodes.flatMap(({ name, machineId, fingerprint, fencedBy, pdus, levelBudgetMs }) => {
    const bmc = Object.entries(fencedBy === null ? {} : { ipmi: fencedBy });
    const second = Object.entries(pdus ?? {});
    const device = ([id, by]: [string, FencedBy]): FenceDevice => ipmiDevice(`${name}/${id}`, by);
    const budget = levelBudgetMs === undefined ? {} : { budgetMs: levelBudgetMs };
    const record: NodeRecord = {
      kind: 'node',
      id: nodeId(name),
      machineId,
      address: name,
      capacity: { memoryMiB: 0, vcpus: 0 },
      labels: {},
      phase: 'joining',
      cordoned: false,
      incarnation: null,
      fence: null,
      fenceTopology: [
        ...(bmc.length === 0 ? [] : [{ devices: bmc.map(device), ...budget }]),
        ...(second.length === 0 ? [] : [{ devices: second.map(device) }]),
      ],
      certificateFingerprint: fingerprint,
    };
    const secrets = [...bmc, ...second].map(([id, { password }]): Write => {
      const key = secretKey(name, `${name}/${id}`);
      return { kind: 'put', key, value: box.seal(key, JSON.stringify({ password })) };
    });
    return [{ kind: 'put', key: keyOf(record), value: encodeObject(record) }, ...secrets];
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

function ipmiDevice(id: string, fencedBy: FencedBy): FenceDevice {
  const driver = builtinDrivers().driver('ipmi');
  const parsed = driver?.parseSettings({
    host: fencedBy.bmcHost,
    user: fencedBy.user,
    cipherSuite: 17,
  });
  if (driver == null || parsed?.kind !== 'ok') throw new Error(`${id}: settings not accepted`);
  return {
    id,
    driver: 'ipmi',
    settings: parsed.settings,
    identity: fencedBy.guid,
    settleMs,
    outlet: outletText(driver.place(parsed.settings)),
  };
}
