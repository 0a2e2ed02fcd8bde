import type { VmView } from '../../api/schema/views.ts';
import type { GuestPolicy } from '../../core/model/guest.ts';
import type { VmDependency } from '../../core/model/order.ts';
import { formatDuration } from '../duration.ts';
import { checkTarget } from '../vm-file/yaml-guest.ts';

/** What it waits for before it starts, and what is done about its guest. */
export function guestFields({ spec, checks = {} }: VmView): readonly [string, string][] {
  const { after = [], guest } = spec;
  return [
    ...after.map((one): [string, string] => ['after', afterText(one)]),
    ...(guest === undefined ? [] : policyFields(guest)),
    ...Object.entries(checks).map(([key, verdict]): [string, string] => [
      'checked',
      `${key}: ${verdict}`,
    ]),
  ];
}

function afterText({ vm, gate, timeoutMs, onTimeout }: VmDependency): string {
  const then = onTimeout === 'hold' ? 'then it is held' : 'then it starts without';
  return `${vm}: ${gateName(gate)}, at most ${formatDuration(timeoutMs)}, ${then}`;
}

function gateName(gate: VmDependency['gate']): string {
  if (gate.kind === 'running') return 'running';
  return gate.kind === 'delay' ? `running for ${formatDuration(gate.ms)}` : checkTarget(gate);
}

function policyFields({ onShutdown, onCrash, health }: GuestPolicy): readonly [string, string][] {
  const ended: [string, string] = ['guest', `on shutdown ${onShutdown}, on crash ${onCrash}`];
  if (health === null) return [ended];
  const { check, intervalMs, failures, graceMs } = health;
  const text = `${checkTarget(check)} every ${formatDuration(intervalMs)}, ill after ${failures} failures, grace ${formatDuration(graceMs)}`;
  return [ended, ['health check', text]];
}
