import type { Hypervisor } from '../../agent/hypervisor.ts';
import type { Disk, DiskFile } from '../../src/env/disk.ts';
import type { Processes } from '../../src/env/processes.ts';
import type { Reach } from '../../src/env/reach.ts';
import type { Store } from '../../src/store/store.ts';
import type { SimProcess } from './sim-process.ts';

/*
 * Ports that outlive a process (a disk, a hypervisor, programs) as that one process reaches them:
 * calls leave and answers come back through its gate.
 */

/** The disk, for one process. What was handed to it is done even if the process dies meanwhile. */
export function tiedDisk(process: SimProcess, disk: Disk): Disk {
  return {
    open: async (path, options) =>
      tiedFile(process, await process.call(() => disk.open(path, options))),
    read: (path) => process.call(() => disk.read(path)),
    replace: (path, bytes, options) => process.call(() => disk.replace(path, bytes, options)),
    rename: (from, to) => process.call(() => disk.rename(from, to)),
    remove: (path) => process.call(() => disk.remove(path)),
    list: (directory) => process.call(() => disk.list(directory)),
    makeDirectory: (path, options) => process.call(() => disk.makeDirectory(path, options)),
    syncDirectory: (path) => process.call(() => disk.syncDirectory(path)),
    lock: (path) => process.call(() => disk.lock(path)),
  };
}

function tiedFile(process: SimProcess, file: DiskFile): DiskFile {
  return {
    size: () => process.call(() => file.size()),
    read: (position, length) => process.call(() => file.read(position, length)),
    write: (position, bytes) => process.call(() => file.write(position, bytes)),
    truncate: (length) => process.call(() => file.truncate(length)),
    datasync: () => process.call(() => file.datasync()),
    close: () => process.call(() => file.close()),
  };
}

/** Programs, for one process. A child outlives its parent: what it does to the world happens. */
export function tiedProcesses(process: SimProcess, programs: Processes): Processes {
  return { run: (request) => process.call(() => programs.run(request)) };
}

/** What guests answer, for one process. */
export function tiedReach(process: SimProcess, reach: Reach): Reach {
  return {
    tcp: (address, timeoutMs) => process.call(() => reach.tcp(address, timeoutMs)),
    http: (address, timeoutMs) => process.call(() => reach.http(address, timeoutMs)),
  };
}

/** The hypervisor of a node, for one agent process. */
export function tiedHypervisor(process: SimProcess, hypervisor: Hypervisor): Hypervisor {
  return {
    kind: hypervisor.kind,
    open: () => process.effect(() => hypervisor.open()),
    close: () => process.call(() => hypervisor.close()),
    connected: () => hypervisor.connected(),
    onChange: (listener) => hypervisor.onChange(() => process.enter(listener)),
    list: () => process.call(() => hypervisor.list()),
    capacity: () => process.call(() => hypervisor.capacity()),
    usage: () => process.call(() => hypervisor.usage()),
    start: (spec, permit, mayBoot) => process.call(() => hypervisor.start(spec, permit, mayBoot)),
    shutdown: (vm) => process.call(() => hypervisor.shutdown(vm)),
    destroy: (vm) => process.call(() => hypervisor.destroy(vm)),
    undefine: (vm) => process.call(() => hypervisor.undefine(vm)),
    setPermit: (permit) => process.call(() => hypervisor.setPermit(permit)),
    expectCopy: (vm) => process.call(() => hypervisor.expectCopy(vm)),
    migrate: (request, mayGo) => process.call(() => hypervisor.migrate(request, mayGo)),
    abortMigration: (vm) => process.call(() => hypervisor.abortMigration(vm)),
    migration: (vm) => process.call(() => hypervisor.migration(vm)),
    resume: (vm) => process.call(() => hypervisor.resume(vm)),
    pingGuest: (vm, timeoutMs) => process.call(() => hypervisor.pingGuest(vm, timeoutMs)),
    act: (vm, verb, mayAct) => process.call(() => hypervisor.act(vm, verb, mayAct)),
    snapshot: (vm, order, mayAct) => process.call(() => hypervisor.snapshot(vm, order, mayAct)),
    openStream: (vm, request, events) =>
      process.call(() => hypervisor.openStream(vm, request, events)),
    xml: (vm) => process.call(() => hypervisor.xml(vm)),
  };
}

/**
 * A store client, for one manager process. Only what is asked passes the gate here; the client
 * itself was made with this process's timers, so that answers do as well.
 */
export function tiedStore(process: SimProcess, store: Store): Store {
  return {
    get: (key) => process.call(() => store.get(key)),
    list: (prefix) => process.call(() => store.list(prefix)),
    txn: (transaction) => process.call(() => store.txn(transaction)),
    watch: (prefix, from, listener) => {
      let isStopped = false;
      const stop = store.watch(prefix, from, (event) =>
        process.enter(() => {
          // What waited at the gate of a process that stood still is not wanted any more.
          if (!isStopped) listener(event);
        }),
      );
      return () => {
        isStopped = true;
        stop();
      };
    },
    campaign: (options) => process.call(() => store.campaign(options)),
    status: () => store.status(),
    close: () => process.call(() => store.close()),
  };
}
