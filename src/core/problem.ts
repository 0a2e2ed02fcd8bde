/** Every code that a person or a script can meet, with the one-line meaning `kennel explain` prints. */
export const problemCodes = {
  E_USAGE: 'the command line or the request is not of the documented form',
  E_SPEC_INVALID: 'a spec has a field that is unknown, missing or out of range',
  E_NOT_FOUND: 'there is no such node, VM, fence operation, failover or topic',
  E_NAME_TAKEN: 'a name is already used in this cluster',
  E_UUID_TAKEN: 'two VMs would have one UUID',
  E_MAC_TAKEN: 'two VMs would have one MAC address',
  E_DISK_TAKEN: 'two VMs would write to one disk',
  E_DISK_LOCAL: 'a VM with a disk of one node cannot be restarted on another',
  E_ORDER_CYCLE: 'VMs would wait for each other and never start',
  E_RULE_CONFLICT: 'placement rules contradict each other',
  E_CAPACITY: 'a change would leave too little room for failures',
  E_CONFLICT: 'the object changed meanwhile, or is in a state that does not allow this',
  E_TOKEN_INVALID: 'the join token is unknown or was used before',
  E_TOKEN_EXPIRED: 'the join token is too old',
  E_CERTIFICATE: 'a certificate is missing, expired, or of another cluster or role',
  E_MACHINE_MISMATCH: 'another machine uses a name or an identity that is not its own',
  E_NODE_HAS_VMS: 'the node still holds permits of VMs',
  E_NODE_UNFENCEABLE: 'the node has no verified fence device',
  E_FENCE_DEVICE: 'a fence device could not be verified',
  E_FENCE_IDENTITY: 'a fence device answers for another machine',
  E_FENCE_UNPROVEN: 'a node is not proven to be off',
  E_FENCE_BLOCKED: 'a guard forbids fencing',
  E_ATTEST_REFUSED: 'evidence contradicts the statement that a node is off',
  E_NOT_LEADER: 'this manager does not lead',
  E_UNAVAILABLE: 'the manager or the store does not answer',
  E_AMBIGUOUS: 'the outcome is not known; read the state before trying again',
  E_TIMEOUT: 'the wait was longer than allowed; the operation goes on',
  E_FORBIDDEN: 'this identity may not do that',
  E_STORE_DAMAGED: 'the log on disk is damaged',
  E_STORE_LOCKED: 'another process uses the data directory',
  E_STORE_UNUSABLE: 'the store outside of Kennel cannot be used as it is configured',
  E_STORE_READ_ONLY: 'the store takes no writes, for example because its disk is full',
  E_BACKUP: 'a file is no usable backup of this cluster',
  E_DATA_DIRECTORY: 'a directory or file that is needed is missing or cannot be used',
  E_LIBVIRT: 'libvirt refused, or is configured in a way that the agent cannot use',
  E_PREREQUISITE: 'a program or a right that is needed is missing on this machine',
  E_INTERNAL: 'a defect in Kennel',
} as const;

export type ProblemCode = keyof typeof problemCodes;

/** What went wrong, as data: printed as `error[CODE]: what / because / so / try`. */
export interface Problem {
  readonly code: ProblemCode;
  readonly what: string;
  readonly because: string;
  /** The consequence: what happened, or did not happen, because of it. */
  readonly so: string;
  /** Commands or steps that resolve it, most likely first. */
  readonly try: readonly string[];
}

export type Outcome<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'problem'; readonly problem: Problem };

export const ok = <T>(value: T): Outcome<T> => ({ kind: 'ok', value });
export const problem = (
  fields: Problem,
): { readonly kind: 'problem'; readonly problem: Problem } => ({
  kind: 'problem',
  problem: fields,
});
