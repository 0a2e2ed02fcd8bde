import { expect, test } from 'vitest';
import { DomainList } from './domain-list.ts';
import type { Hypervisor, HypervisorDomain, HypervisorResult } from './hypervisor.ts';

type ListResult = HypervisorResult<readonly HypervisorDomain[]>;

const domain = { vm: 'vm-a', active: true } as HypervisorDomain;

/** A hypervisor whose listings the test answers one by one. */
function heldLists() {
  const held: ((result: ListResult) => void)[] = [];
  const list = (): Promise<ListResult> => new Promise((resolve) => held.push(resolve));
  return { held, hypervisor: { list } as unknown as Hypervisor };
}

const ticks = async (): Promise<void> => {
  for (let count = 0; count < 10; count += 1) await Promise.resolve();
};

test('who asks while a listing runs gets one that began after he asked, shared with the others', async () => {
  const { held, hypervisor } = heldLists();
  const domains = new DomainList(hypervisor, () => {});
  const first = domains.fresh();
  await ticks();
  const second = domains.fresh();
  const third = domains.fresh();
  await ticks();
  expect(held).toHaveLength(1);
  held[0]?.({ kind: 'ok', value: [] });
  expect(await first).toEqual({ kind: 'ok', domains: [] });
  await ticks();
  expect(held).toHaveLength(2);
  held[1]?.({ kind: 'ok', value: [domain] });
  expect(await second).toEqual({ kind: 'ok', domains: [domain] });
  expect(await third).toBe(await second);
});

test('a listing without answer keeps what was seen before, and says unknown', async () => {
  const { held, hypervisor } = heldLists();
  const told: string[] = [];
  const domains = new DomainList(hypervisor, ({ kind }) => told.push(kind));
  const first = domains.fresh();
  await ticks();
  held[0]?.({ kind: 'ok', value: [domain] });
  await first;
  const second = domains.fresh();
  await ticks();
  held[1]?.({ kind: 'ambiguous', message: 'no answer' });
  expect(await second).toEqual({ kind: 'unknown', because: 'no answer' });
  expect(domains.lastSeen('vm-a')).toBe(domain);
  expect(told).toEqual(['ok', 'unknown']);
});
