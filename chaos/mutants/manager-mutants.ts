import type { Mutant } from './mutant.ts';

/** Defects in the leader: what it commits, when it speaks, what it forgets. */
export const managerMutants: readonly Mutant[] = [
  {
    name: 'start-before-commit',
    summary: 'commands are derived from records whose commit is not acknowledged',
    edits: [
      {
        file: 'src/core/decide/commands.ts',
        find: 'for (const vm of draft.state.vms.values()) {',
        replace: 'for (const vm of draft.vms()) {',
      },
      {
        file: 'src/core/decide/commands.ts',
        find: '    if (draft.isChanged(vm)) continue;\n',
        replace: '',
      },
    ],
    expected: ['permits'],
    maxSeeds: 20,
    profile: null,
  },
  {
    name: 'lease-after-intent',
    summary: 'leases are renewed although a fence intent is committed',
    edits: [
      {
        file: 'src/manager/lease-granter.ts',
        find: 'isAdmitted(node) &&',
        replace: "node.phase !== 'joining' &&",
      },
    ],
    expected: ['leases'],
    maxSeeds: 300,
    profile: 'power',
  },
  {
    name: 'lease-without-round',
    summary: 'heartbeats are acknowledged without a round that confirms the leadership',
    edits: [
      {
        file: 'src/manager/lease-granter.ts',
        find: 'const confirmed = await this.#leadership.confirm();',
        replace: 'const confirmed = await Promise.resolve(true);',
      },
    ],
    expected: ['leases'],
    maxSeeds: 200,
    profile: 'leaders',
  },
  {
    name: 'lease-while-intent-is-written',
    summary: 'a lease is granted between the decision to fence and its commit',
    edits: [
      {
        file: 'src/manager/lease-granter.ts',
        find: '!this.#withheld.has(incarnation.id);',
        replace: 'this.#withheld.size >= 0;',
      },
    ],
    expected: ['leases'],
    maxSeeds: 1500,
    profile: 'unanswered',
  },
  {
    name: 'ambiguous-means-refused',
    summary: 'a write without an answer is taken for one that did not happen',
    edits: [
      {
        file: 'src/manager/leader-writer.ts',
        find: 'return this.#settle(operation, outcome.detail);',
        replace: 'return this.#reload();',
      },
    ],
    expected: ['acknowledged'],
    maxSeeds: 1500,
    profile: 'leaders',
  },
  {
    name: 'ambiguous-means-committed',
    summary: 'a write without an answer is taken for one that happened',
    edits: [
      {
        file: 'src/manager/leader-writer.ts',
        find: 'return this.#settle(operation, outcome.detail);',
        replace:
          "return (await this.#reload()).kind === 'lost' ? { kind: 'lost' } : { kind: 'committed' };",
      },
    ],
    expected: ['acknowledged'],
    maxSeeds: 1500,
    profile: 'leaders',
  },
  {
    name: 'write-without-leadership',
    summary: 'leader writes do not compare the leadership key',
    edits: [
      {
        file: 'src/manager/leader-writer.ts',
        find: "      { key: this.#leadership.key, target: 'create', revision: this.#leadership.createRevision },\n",
        replace: '',
      },
    ],
    expected: ['leaderWrites'],
    maxSeeds: 400,
    profile: 'leaders',
  },
  {
    name: 'no-validity-check',
    summary: 'a leader whose time is over goes on deciding and sending',
    edits: [
      {
        file: 'src/manager/leader.ts',
        find: 'return !this.#ended && this.#options.leadership.isValid();',
        replace: 'return !this.#ended;',
      },
      {
        file: 'src/manager/leader.ts',
        find: '    if (!leadership.isValid()) return;\n',
        replace: '',
      },
    ],
    expected: ['leases'],
    maxSeeds: 2500,
    profile: 'leaders',
  },
  {
    name: 'leftovers-admitted',
    summary: 'a new incarnation is admitted without asking what still runs on it',
    edits: [
      {
        file: 'src/core/decide/nodes.ts',
        find: 'if (report.domains === null || leftoversOn(draft, node, seen).length > 0) return;',
        replace: 'if (report.domains === null) return;',
      },
    ],
    expected: ['placement'],
    maxSeeds: 600,
    profile: 'mixed',
  },
  {
    name: 'stall-ignored',
    summary: 'the failure detector takes its own stall for the silence of others',
    edits: [
      {
        file: 'src/manager/stall-meter.ts',
        find: 'this.#book.stalled(lateMs);',
        replace: 'this.#book.stalled(0);',
      },
    ],
    expected: ['power'],
    maxSeeds: 400,
    profile: 'leaders',
  },
  {
    name: 'adopted-with-another-token',
    summary: 'a restarted agent’s domain is taken over whatever token it carries',
    edits: [
      {
        file: 'src/core/decide/nodes.ts',
        find: 'if (carried !== null && carried === vm.permit?.token) return true;',
        replace: 'if (carried === null || carried >= 0) return true;',
      },
    ],
    expected: ['owners'],
    maxSeeds: 400,
    profile: 'agents',
  },
  {
    name: 'runs-elsewhere-ignored',
    summary: 'a VM is placed although another node reports it running',
    edits: [
      {
        file: 'src/core/decide/recovery.ts',
        find: 'if (running.length > 0) {',
        replace: 'if (running.length > 99) {',
      },
      {
        file: 'src/core/decide/recovery.ts',
        find: 'if (vm.strays.length > 0) {',
        replace: 'if (vm.strays.length > 99) {',
      },
    ],
    expected: ['placement', 'singleWriter'],
    maxSeeds: 1500,
    profile: 'agents',
  },
  {
    name: 'open-fence-forgotten',
    summary: 'a new leader does not carry on the fence operations of the one before',
    edits: [
      {
        file: 'src/core/decide/fences.ts',
        find: '    if (draft.isFull()) return;\n    switch (fence.phase) {',
        replace: '    if (fence.epoch !== draft.state.epoch) continue;\n    switch (fence.phase) {',
      },
    ],
    expected: ['liveness'],
    maxSeeds: 300,
    profile: 'leaders',
  },
  {
    name: 'failures-never-forgiven',
    summary: 'failures count for ever, however long a VM has run since',
    edits: [
      {
        file: 'src/core/decide/tries.ts',
        find: '  else draft.put({ ...vm, operation: null, tries: noTries });',
        replace: '  else draft.wakeAt(dueMs + 1e9);',
      },
    ],
    expected: ['liveness'],
    maxSeeds: 400,
    profile: 'agents',
  },
  {
    name: 'store-reads-the-past',
    summary: 'a read of the store is answered by what was there a few writes ago',
    edits: [
      {
        file: 'src/store/memory/memory-store.ts',
        find: '{ item: machine.get(key), revision: machine.revision }',
        replace:
          '{ item: machine.revision % 5 === 0 ? null : machine.get(key), revision: machine.revision }',
      },
    ],
    expected: ['linearizable', 'failoverChain'],
    maxSeeds: 50,
    profile: null,
  },
  {
    name: 'token-reused',
    summary: 'a new permit gets the token of the one before',
    edits: [
      {
        file: 'src/core/decide/operations.ts',
        find: 'token: token(vm.lastToken + 1) };',
        replace: 'token: token(Math.max(1, vm.lastToken)) };',
      },
    ],
    expected: ['permits'],
    maxSeeds: 50,
    profile: null,
  },
  {
    name: 'ambiguous-retried-blindly',
    summary: 'a write without an answer is sent once more, without comparing anything',
    edits: [
      {
        file: 'src/manager/leader-writer.ts',
        find: 'return this.#settle(operation, outcome.detail);',
        replace:
          'await this.#store.txn({ operation: this.#nextOperation(), compare: [], then: writes });\n        return this.#reload();',
      },
    ],
    expected: ['leaderWrites', 'permits', 'acknowledged'],
    maxSeeds: 600,
    profile: 'leaders',
  },
  {
    name: 'leftovers-by-uncommitted-records',
    summary: 'a domain is stopped as a leftover because of an owner that is not committed yet',
    edits: [
      {
        file: 'src/core/decide/commands.ts',
        find: '        .filter((vm) => !draft.isChanged(vm))\n',
        replace: '',
      },
    ],
    expected: ['permits'],
    maxSeeds: 1500,
    profile: 'power',
  },
];
