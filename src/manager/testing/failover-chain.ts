import { createHash } from 'node:crypto';
import type { FailoverRecord } from '../../core/model/failover.ts';
import { keys } from '../keys.ts';
import type { ManagerWorld } from './manager-world.ts';
import { failoverRecord } from './test-objects.ts';

export const ended = (number: number, change: Partial<FailoverRecord> = {}): FailoverRecord =>
  failoverRecord(number, 'node-1', { outcome: 'completed', closedAt: 'then', ...change });

export const failovers = (world: ManagerWorld): readonly FailoverRecord[] =>
  world.objects('failover/') as readonly FailoverRecord[];

/**
 * What a checker finds that shares no code with the manager: the sealed records as one chain from
 * its beginning to `chain`, or the reason why they are none.
 */
export function chainOf(world: ManagerWorld): readonly string[] | string {
  const sealed = world.store.machine
    .list('failover/')
    .map(({ value }) => ({ value, record: JSON.parse(value) as FailoverRecord }))
    .filter(({ record }) => record.hash !== null);
  const ids: string[] = [];
  let end = '';
  while (ids.length < sealed.length) {
    const next = sealed.find(({ record }) => record.previousHash === end);
    if (next === undefined) return `nothing follows ${end === '' ? 'the beginning' : end}`;
    const { hash, id } = next.record;
    const unsealed = next.value.replace(`"hash":"${hash}"`, '"hash":null');
    const computed = createHash('sha256').update(unsealed).digest('hex');
    if (computed !== hash) return `${id} was changed after it was sealed`;
    ids.push(id);
    end = computed;
  }
  const last = world.value(keys.chain) ?? '';
  return last === end ? ids : 'the chain does not end where the store says';
}
