/** Every code of a line in `kennel status`, with the meaning that `kennel explain` prints. */
export const findingCodes = {
  NO_QUORUM: 'the store does not answer: what is shown may be old, and nothing can be changed',
  NO_LEADER: 'no manager leads; one of them takes over within seconds',
  MANAGER_DOWN: 'a manager does not answer the one that was asked',
  STORE_READ_ONLY: 'the store takes no writes but those of fence operations and their proofs',
  FENCE_PENDING: 'a node is to be proven dead, and no proof holds yet; its VMs wait',
  FENCE_BLOCKED: 'a guard, or the lack of a fence device, forbids device commands against a node',
  DISARMED:
    'nothing is done by itself: silent nodes are not fenced, VMs that end are not restarted',
  GOVERNOR_HOLDS:
    'too many nodes were lost together: none of them is powered off before a person says so',
  TWO_NODE_NO_WITNESS:
    'two nodes and no manager on a third machine: a silent node is not fenced by itself',
  NODE_QUARANTINED: 'a node was lost or restarted too often; it keeps its VMs and gets no new ones',
  NODE_NOT_EMPTY:
    'a node is drained or in maintenance, and VMs of it do not leave; each has its reason',
  MAINTENANCE_OVERDUE: 'the time for emptying a node is over, and VMs are still on it',
  NODE_AWAITED: 'a node went down as it said, and its VMs wait for it to come back',
  ALERT_FAILING: 'somebody who is to be told of what happens cannot be; it is tried again',
  BMC_LIED: 'a fence device read Off while its node lived; it is not believed in this operation',
  NODE_TWICE: 'two machines speak in the name of one node; the one that came second is refused',
  NODE_SUSPECT: 'heartbeats are overdue, though not for long enough to act',
  NODE_HELD: 'a node has no lease, and its VMs run on by the promises of the other nodes',
  NODE_NOT_ADMITTED: 'a node gets no leases and no VMs before its incarnation is admitted',
  NODE_FENCED: 'a node is proven dead; its VMs may run elsewhere',
  NODE_UNFENCEABLE:
    'a node holds VMs and no level of fence devices works: nothing could prove it off, its VMs are unprotected',
  FENCE_DEGRADED: 'a fence device failed its check; another level of the node still works',
  HYPERVISOR_UNREACHABLE: 'libvirt does not answer; what runs there is unknown, not gone',
  AGENT_DEGRADED: 'an agent cannot write its state and refuses what depends on it',
  VM_FAILED: 'a VM failed too often, or cannot be stopped where it runs',
  VM_BACKOFF: 'the last start of a VM failed; it waits with growing delay',
  VM_PANICKED: 'the guest of a VM panicked, and it is kept as it is for a look',
  VM_ILL: 'the health check of a VM does not pass',
  VM_PAUSED:
    'a VM stands still: a person paused it, or the hypervisor did, for example on an I/O error',
  VM_STRAY: 'a VM runs where it has no right to, started by hand for example; it is stopped there',
  VM_WAITS: 'a VM is to start after others, and they are not ready yet',
  VM_LOCKED: 'a VM is to run, and is not started before its lock is taken off',
  VM_UNPLACED: 'no node can take a VM that should run',
  RULE_BROKEN:
    'a VM runs where a strict placement rule forbids it, since before the rule or by hand',
  LOAD_UNEVEN: 'load lies unevenly on the nodes; kennel plan balance proposes moves',
} as const;

export type FindingCode = keyof typeof findingCodes;
