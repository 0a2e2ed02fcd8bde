import type { ProblemCode } from '../../core/problem.ts';

export interface Guidance {
  /** When it is met and what it means for what was asked, in sentences. */
  readonly facts: readonly string[];
  /** Steps that resolve it, most likely first. */
  readonly try: readonly string[];
}

/**
 * The long form of every code, beside its one-line meaning in `problemCodes`. Printed by
 * `kennel explain` and made into docs/errors.md. A new code without an entry does not compile.
 */
export const errorGuidance: Readonly<Record<ProblemCode, Guidance>> = {
  E_USAGE: {
    facts: [
      'Nothing was sent to the cluster, or the cluster refused the form of the request before doing anything.',
      'A question that could not be asked, because there is no terminal, ends with this code too: repeat the command with -y once you are sure.',
      'Durations and sizes always carry a unit: 30s, 5m, 512MiB.',
    ],
    try: ['kennel <noun> <verb> --help'],
  },
  E_SPEC_INVALID: {
    facts: [
      'The whole file is checked before anything is created, so nothing of it took effect.',
      'Each line of the report names the file, the line, the field, what is wrong with it and what was probably meant.',
    ],
    try: ['compare the file with docs/vm-spec.md', 'kennel vm create -f FILE --dry-run'],
  },
  E_NOT_FOUND: {
    facts: [
      'Names are exact, and VMs may also be given by UUID.',
      'A node, VM or operation that was removed is still in the history.',
    ],
    try: ['kennel status -o wide', 'kennel failover ls', 'kennel events'],
  },
  E_NAME_TAKEN: {
    facts: ['Names of VMs and of nodes are unique within the cluster. Nothing was created.'],
    try: ['choose another name', 'kennel vm show NAME'],
  },
  E_UUID_TAKEN: {
    facts: [
      'The UUID is the identity of a VM for libvirt and for its permit; two VMs with one UUID could not be told apart.',
    ],
    try: [
      'leave id out of the file, then a new one is made',
      'give the copied domain a new UUID in its XML',
    ],
  },
  E_MAC_TAKEN: {
    facts: [
      'Two network cards with one address on one network disturb each other in ways that are hard to find.',
    ],
    try: ['leave mac out of the file, then one is derived from the VM', 'choose another address'],
  },
  E_DISK_TAKEN: {
    facts: [
      'Two VMs that write to one disk destroy the data on it. Disks that both only read are allowed.',
    ],
    try: [
      'kennel vm ls -o wide',
      'mark the disk readOnly: true in both VMs if that is what is meant',
    ],
  },
  E_ORDER_CYCLE: {
    facts: [
      'A VM starts after those that it names in `after`. On a cycle each would wait for the next, and none would start; so it is refused when it is written, and the reason names the cycle.',
    ],
    try: ['take one of the entries out of after', 'docs/order.md'],
  },
  E_RULE_CONFLICT: {
    facts: [
      'Two strict rules that cannot both hold would leave VMs off, and one about VMs and one that ranks nodes would depend on which nodes are up. They are refused when they are written.',
      'VMs kept together have one rule about nodes; VMs kept apart need as many nodes as there are of them.',
    ],
    try: ['kennel rule check', 'kennel rule ls', 'make one of them a preference (--preferred)'],
  },
  E_CAPACITY: {
    facts: [
      'The cluster is asked to keep room for the loss of nodes or failure domains. The change would leave a VM without a node after such a loss; the reason shows the calculation.',
      'Room and rules count as in a failover: memory is never promised twice.',
    ],
    try: [
      'kennel plan fail NODE',
      'kennel placement show',
      'kennel placement set --failover-capacity off',
    ],
  },
  E_DISK_LOCAL: {
    facts: [
      'A disk that only one node has cannot follow its VM. After the loss of that node the VM waits for it to come back.',
      'A path is taken as bound to one node unless it is declared as a shared file.',
    ],
    try: [
      'use sharedFile for a path that every node mounts',
      'kennel vm create -f dom.xml --shared-path PREFIX',
      'put the disk on nbd, rbd or iscsi',
    ],
  },
  E_CONFLICT: {
    facts: [
      'Somebody or something else changed the object first, or its state does not allow the change. Nothing was changed by this request.',
    ],
    try: ['kennel explain NAME', 'look at the state, then repeat the command'],
  },
  E_TOKEN_INVALID: {
    facts: [
      'A join token is good for one join: a request whose answer got lost may be made again with the same key, any other is refused. It is kept only as a hash, so it cannot be shown again.',
    ],
    try: ['kennel node token --node NAME'],
  },
  E_TOKEN_EXPIRED: {
    facts: ['Tokens are short-lived, because whoever holds one can become a node.'],
    try: ['kennel node token --node NAME --ttl 1h'],
  },
  E_CERTIFICATE: {
    facts: [
      'Both ends of every connection prove who they are. A certificate of another cluster, or of another role, is as good as none.',
      'A clock that is far off makes valid certificates look expired or not yet valid.',
    ],
    try: [
      'check which cluster the client configuration names (docs/cli.md, "Client configuration")',
      'date',
      'kennel agent join with a new token on a node whose certificate is lost',
    ],
  },
  E_MACHINE_MISMATCH: {
    facts: [
      'The name is enrolled for another machine. Hardware that was replaced is a new node, even under the old name.',
    ],
    try: ['kennel node remove NAME, then join again', 'join under another name'],
  },
  E_NODE_HAS_VMS: {
    facts: [
      'A node that may still run VMs cannot be removed: the right to run them would be lost track of.',
    ],
    try: ['kennel node show NAME', 'kennel vm stop VM', 'kennel node fence NAME --reason "…"'],
  },
  E_NODE_UNFENCEABLE: {
    facts: [
      'Without a way to prove the node dead, its VMs are not protected: after its loss they wait until a person states that it is off.',
    ],
    try: ['kennel fence add NODE/bmc --driver ipmi --host HOST --user USER --password-file FILE'],
  },
  E_FENCE_DEVICE: {
    facts: [
      'The device did not answer, refused the credentials, or gave readings that cannot be used. It was not stored.',
    ],
    try: [
      'check address, port, user and password at the device',
      'check that the managers reach the network of the device',
    ],
  },
  E_FENCE_IDENTITY: {
    facts: [
      'The device tells an identity (GUID or UUID) that is not the one of this node. Cables, addresses or entries have been swapped. No power command is sent to it, because it would hit another machine.',
    ],
    try: [
      'kennel node show NAME',
      'correct the address, or add the device to the node it belongs to',
    ],
  },
  E_FENCE_UNPROVEN: {
    facts: [
      'Nothing is started elsewhere before the old node is proven dead. The VMs stay waitingProof.',
      'Several proofs are tried at once; the first that holds is enough.',
    ],
    try: [
      'kennel explain NODE',
      'kennel node confirm-off NODE --reason "…" once you have seen it switched off',
    ],
  },
  E_FENCE_BLOCKED: {
    facts: [
      'A guard holds fencing back, for example because too many nodes went silent at once, which points to a broken network rather than to broken nodes.',
    ],
    try: ['kennel explain NODE', 'kennel node fence NODE --override --reason "…"'],
  },
  E_ATTEST_REFUSED: {
    facts: [
      'Heartbeats or power readings say that the node lives. The statement is refused and recorded: believing it could destroy disks.',
    ],
    try: ['kennel node show NODE', 'switch the node off, then state it again'],
  },
  E_NOT_LEADER: {
    facts: [
      'Only the leader decides. The client normally finds it by itself; during a change of leader there is none for a moment.',
    ],
    try: ['repeat the command', 'kennel status'],
  },
  E_UNAVAILABLE: {
    facts: [
      'No manager answered, or those that did have no quorum. VMs go on running; nothing is failed over until a quorum is back.',
    ],
    try: [
      'kennel status',
      'systemctl status kennel-manager on the machines of the managers',
      'check the address in the client configuration',
    ],
  },
  E_AMBIGUOUS: {
    facts: [
      'The connection or the store failed after the request was sent. It may have been carried out, and it may not.',
    ],
    try: ['kennel status', 'read the state of what was changed, then decide whether to repeat it'],
  },
  E_TIMEOUT: {
    facts: ['Only the waiting ended. What was asked for is recorded and goes on.'],
    try: ['kennel explain NAME', 'repeat with a longer --timeout'],
  },
  E_FORBIDDEN: {
    facts: ['The certificate is valid, and its role does not have this right.'],
    try: ['use the client configuration of an administrator: kennel --config FILE …'],
  },
  E_STORE_DAMAGED: {
    facts: [
      'A checksum in the log of this manager does not fit. It stops instead of guessing. The other managers go on.',
    ],
    try: [
      'check the disk (dmesg, smartctl)',
      'with a quorum elsewhere: kennel manager rebuild --manager HOST:PORT, which sets the data aside and copies theirs',
      'without: kennel restore, from a backup',
    ],
  },
  E_STORE_LOCKED: {
    facts: [
      'Two processes in one data directory would destroy it. The one that was there first keeps it.',
    ],
    try: [
      'systemctl status kennel-manager kennel-agent',
      'stop the other process, or use another --directory',
    ],
  },
  E_STORE_UNUSABLE: {
    facts: [
      'etcd answers, and waiting would not help: the server is too old, the user or its rights are wrong, or the keys under /kennel/ were written by something else.',
    ],
    try: ['etcdctl endpoint status', 'check the store section of manager.yaml: docs/store-etcd.md'],
  },
  E_STORE_READ_ONLY: {
    facts: ['Reading works. Decisions that must be recorded, such as a failover, wait.'],
    try: ['df -h, then make room on the disk of the data directory', 'kennel status'],
  },
  E_BACKUP: {
    facts: [
      'A backup is restored whole or not at all: it has a checksum over everything, and belongs to one cluster.',
    ],
    try: [
      'take another backup',
      'kennel restore FILE --directory DIR, of a manager of that cluster',
    ],
  },
  E_DATA_DIRECTORY: {
    facts: [
      'A directory, certificate or configuration file is not where it is expected, or its permissions keep it from being used.',
    ],
    try: [
      'check the path and its permissions with ls -ld',
      'kennel init or kennel agent join, where it was never made',
    ],
  },
  E_LIBVIRT: {
    facts: ['The node itself is fine; VMs that already run are not touched.'],
    try: ['systemctl status virtqemud libvirtd', 'virsh -c qemu:///system list --all on the node'],
  },
  E_PREREQUISITE: {
    facts: ['The text names what is missing. Nothing was done.'],
    try: ['install what is named, or run the command with the right that is named'],
  },
  E_INTERNAL: {
    facts: ['This is not your mistake. What was asked for may or may not have happened.'],
    try: ['kennel status', 'report it with the whole text that was printed'],
  },
};
