import type { VmView } from '../../api/schema/views.ts';
import type { Change } from '../change-options.ts';
import { runChange } from '../change.ts';
import type { Call } from '../command.ts';
import { onValue } from '../wait-until.ts';
import { describeVm, vmGone, vmReaches } from '../vm-goals.ts';

function described(done: string, would: string): (vm: VmView, isDryRun: boolean) => string {
  return (vm, isDryRun) => `vm ${vm.name}: ${isDryRun ? would : done} (${describeVm(vm)})`;
}

export async function startVm(call: Call, vm: string, options: Change): Promise<number> {
  return runChange(call, options, {
    question: null,
    apply: (client, how) => client.startVm(vm, how),
    describe: described('will run', 'would run'),
    goal: vmReaches(vm, ['running']),
  });
}

export async function stopVm(
  call: Call,
  vm: string,
  options: Change & { readonly force: boolean },
): Promise<number> {
  const question = `VM ${vm} loses power at once, without a shutdown of its guest.`;
  return runChange(call, options, {
    question: options.force ? { question, typed: null } : null,
    apply: (client, how) =>
      client.stopVm(vm, { force: options.force, reason: options.reason }, how),
    describe: described('will be stopped', 'would be stopped'),
    goal: vmReaches(vm, ['stopped']),
  });
}

export async function disableVm(
  call: Call,
  vm: string,
  options: Change & { readonly force: boolean },
): Promise<number> {
  const question = `VM ${vm} loses power at once, without a shutdown of its guest.`;
  return runChange(call, options, {
    question: options.force ? { question, typed: null } : null,
    apply: (client, how) =>
      client.disableVm(vm, { force: options.force, reason: options.reason }, how),
    describe: described('will be off, out of failover', 'would be off, out of failover'),
    goal: vmReaches(vm, ['stopped']),
  });
}

export async function ignoreVm(call: Call, vm: string, options: Change): Promise<number> {
  return runChange(call, options, {
    question: null,
    apply: (client, how) => client.ignoreVm(vm, how),
    describe: described('is left alone', 'would be left alone'),
    goal: vmReaches(vm, ['running', 'paused', 'stopped', 'unknown']),
  });
}

export async function forgetVm(call: Call, vm: string, options: Change): Promise<number> {
  return runChange(call, options, {
    question: {
      question: `VM ${vm} leaves the cluster as it is. What runs goes on, and nobody recovers it.`,
      typed: null,
    },
    apply: (client, how) => client.forgetVm(vm, how),
    describe: described('is forgotten', 'would be forgotten'),
    goal: vmGone(vm),
  });
}

export async function deleteVm(call: Call, vm: string, options: Change): Promise<number> {
  return runChange(call, options, {
    question: {
      question: `VM ${vm} is stopped and leaves the cluster; its disks stay.`,
      typed: null,
    },
    apply: (client, how) => client.deleteVm(vm, how),
    describe: described('will be deleted', 'would be deleted'),
    goal: vmGone(vm),
  });
}

export async function adoptVm(
  call: Call,
  from: { readonly node: string; readonly domain: string },
  options: Change,
): Promise<number> {
  return runChange(call, options, {
    question: null,
    apply: (client, how) => client.adoptVm(from, how),
    describe: described('adopted', 'would be adopted'),
    goal: {
      what: `domain ${from.domain} adopted`,
      lookWith: `kennel explain ${from.domain}`,
      look: (client, vm) => client.vm(vm.id),
      judge: onValue((vm: VmView) =>
        ['running', 'paused', 'stopped'].includes(vm.state)
          ? { kind: 'reached', value: vm }
          : { kind: 'pending', state: describeVm(vm) },
      ),
      reached: `vm ${from.domain}: under the care of the cluster`,
    },
  });
}
