import { operationId, token, type NodeId, type OperationId, type Token } from '../model/ids.ts';
import type { Incarnation } from '../model/node.ts';
import type { Permit } from '../model/permit.ts';
import type { VmOperation, VmRecord } from '../model/vm.ts';

/**
 * Operation ids are made from what they do, so that the same intent has the same id whichever
 * leader carries it out, and an agent that did it already answers instead of doing it again.
 */
function startId(vm: VmRecord, of: Token): OperationId {
  return operationId(`start/${vm.id}/${of}`);
}

/** The next permit of a VM. Its token is larger than any ever given out for it. */
export function nextPermit(vm: VmRecord, node: NodeId, incarnation: Incarnation): Permit {
  return { vm: vm.id, node, incarnation: incarnation.id, token: token(vm.lastToken + 1) };
}

/** The record after its owner was told to start it. */
export function withStart(
  vm: VmRecord,
  permit: Permit,
  phase: 'starting' | 'recovering',
): VmRecord {
  return {
    ...vm,
    phase,
    permit,
    home: permit.node,
    tries: permit.node === vm.home ? vm.tries : { ...vm.tries, here: 0 },
    adopting: false,
    wait: null,
    lastToken: permit.token,
    operation: {
      id: startId(vm, permit.token),
      kind: 'start',
      force: false,
      previousToken: null,
    },
  };
}

/** The record after its owner was told to write a new permit onto the running domain. */
export function withPermit(vm: VmRecord, permit: Permit, previousToken: Token | null): VmRecord {
  return {
    ...vm,
    phase: 'running',
    permit,
    home: permit.node,
    lastToken: permit.token,
    operation: {
      id: operationId(`permit/${vm.id}/${permit.token}`),
      kind: 'permit',
      force: false,
      previousToken,
    },
  };
}

/** The record after the hand-over of a live migration: the new owner is told to wake its copy. */
export function withResume(vm: VmRecord, permit: Permit, carried: Token): VmRecord {
  return {
    ...vm,
    phase: 'starting',
    permit,
    home: permit.node,
    tries: { ...vm.tries, here: 0 },
    adopting: false,
    lastToken: permit.token,
    operation: {
      id: operationId(`resume/${vm.id}/${permit.token}`),
      kind: 'resume',
      force: false,
      previousToken: carried,
    },
  };
}

/** The operation that stops a VM at its owner and makes the owner give up its token. */
export function releaseOperation(vm: VmRecord, force: boolean): VmOperation {
  const held = vm.permit?.token ?? vm.lastToken;
  return {
    id: operationId(`release/${vm.id}/${held}/${force ? 'now' : 'grace'}`),
    kind: 'release',
    force,
    previousToken: null,
  };
}

export function withRelease(vm: VmRecord, force: boolean): VmRecord {
  return { ...vm, phase: 'stopping', operation: releaseOperation(vm, force) };
}
