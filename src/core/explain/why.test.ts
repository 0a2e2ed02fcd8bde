import { describe, expect, it } from 'vitest';
import type { FailoverRecord } from '../model/failover.ts';
import { failoverId, fenceId, nodeId, vmId } from '../model/ids.ts';
import { whyVm, type ToldEvent } from './why.ts';

const vm = vmId('db');
const event = (at: string, code: string, what: string, by: string | null = null): ToldEvent => ({
  at,
  code,
  what,
  by,
  reason: null,
});
const failover = (change: Partial<FailoverRecord> = {}): FailoverRecord => ({
  kind: 'failover',
  id: failoverId('FO-1'),
  node: nodeId('n1'),
  fence: fenceId('F-1'),
  lastSeenAt: null,
  detectedAt: '02',
  intentAt: '02',
  firstOffAt: '03',
  provenAt: '04',
  proof: null,
  vms: [
    {
      vm,
      name: 'db',
      from: nodeId('n1'),
      to: nodeId('n2'),
      placement: 'load is most even with it on n2',
      placedAt: '05',
      startedAt: '07',
      failure: null,
    },
  ],
  outcome: 'completed',
  closedAt: '08',
  hash: null,
  previousHash: null,
  ...change,
});
const texts = (steps: readonly { readonly what: string }[]) => steps.map(({ what }) => what);

describe('why a VM is where it is', () => {
  it('is told in the order in which it happened, failovers among its events', () => {
    const events = [
      event('01', 'VM_CREATED', 'db is created', 'ann'),
      event('06', 'VM_STARTED', 'db runs on n2'),
    ];
    const { steps, left } = whyVm(vm, { events, failovers: [failover()] }, 20);
    expect(texts(steps)).toEqual([
      'db is created',
      'n1 was lost; F-1 was to prove it dead (FO-1)',
      'n1 was proven dead by a proof (FO-1)',
      'n2 was chosen: load is most even with it on n2',
      'db runs on n2',
    ]);
    expect(steps[0]?.by).toBe('ann');
    expect(left).toBe(0);
  });

  it('begins where it was last created or taken over', () => {
    const events = [
      event('01', 'VM_CREATED', 'db is created'),
      event('09', 'VM_ADOPTED', 'db is taken over where it runs, on n3'),
    ];
    expect(texts(whyVm(vm, { events, failovers: [failover()] }, 20).steps)).toEqual([
      'db is taken over where it runs, on n3',
    ]);
  });

  it('leaves out failovers of others, and the oldest of what is too much', () => {
    const events = Array.from({ length: 9 }, (_, n) => event(`0${n}`, 'VM_ENDED', `${n}`));
    const { steps, left } = whyVm(vm, { events, failovers: [failover({ vms: [] })] }, 3);
    expect(texts(steps)).toEqual(['6', '7', '8']);
    expect(left).toBe(6);
  });
});
