import type { VmId } from '../../src/core/model/ids.ts';
import type { Hypervisor, HypervisorResult } from '../hypervisor.ts';
import type { SelfFencing } from './self-fencing.ts';

/**
 * The hypervisor of a node with a petter: no VM is booted, taken over, let in as a copy, sent away or woken
 * before the petter knows it. Otherwise the watchdog would let it run on.
 */
export function coveredHypervisor(hypervisor: Hypervisor, fencing: SelfFencing): Hypervisor {
  return {
    kind: hypervisor.kind,
    open: () => hypervisor.open(),
    close: () => hypervisor.close(),
    connected: () => hypervisor.connected(),
    onChange: (listener) => hypervisor.onChange(listener),
    list: () => hypervisor.list(),
    capacity: () => hypervisor.capacity(),
    usage: () => hypervisor.usage(),
    start: async (spec, permit, mayBoot) =>
      (await fencing.covers(permit.vm))
        ? hypervisor.start(spec, permit, mayBoot)
        : uncovered(permit.vm),
    shutdown: (vm) => hypervisor.shutdown(vm),
    destroy: (vm) => hypervisor.destroy(vm),
    undefine: async (vm) => {
      const result = await hypervisor.undefine(vm);
      if (result.kind === 'ok') fencing.forget(vm);
      return result;
    },
    setPermit: async (permit) =>
      (await fencing.covers(permit.vm)) ? hypervisor.setPermit(permit) : uncovered(permit.vm),
    expectCopy: async (vm) =>
      (await fencing.covers(vm)) ? hypervisor.expectCopy(vm) : uncovered(vm),
    migrate: async (request, mayGo) =>
      (await fencing.covers(request.vm))
        ? hypervisor.migrate(request, mayGo)
        : uncovered(request.vm),
    abortMigration: (vm) => hypervisor.abortMigration(vm),
    migration: (vm) => hypervisor.migration(vm),
    resume: async (vm) => ((await fencing.covers(vm)) ? hypervisor.resume(vm) : uncovered(vm)),
    pingGuest: (vm, timeoutMs) => hypervisor.pingGuest(vm, timeoutMs),
    act: async (vm, verb, mayAct) =>
      (await fencing.covers(vm)) ? hypervisor.act(vm, verb, mayAct) : uncovered(vm),
    // A revert makes a new process of the VM.
    snapshot: async (vm, wish, mayAct) =>
      (await fencing.covers(vm)) ? hypervisor.snapshot(vm, wish, mayAct) : uncovered(vm),
    openStream: (vm, request, events) => hypervisor.openStream(vm, request, events),
    xml: (vm) => hypervisor.xml(vm),
  };
}

function uncovered(vm: VmId): HypervisorResult<never> {
  return {
    kind: 'failed',
    code: 'watchdogSilent',
    message: `the watchdog's petter did not take ${vm}, which must not run without it`,
  };
}
