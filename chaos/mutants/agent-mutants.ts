import type { Mutant } from './mutant.ts';

/** Defects in the agent: its checks, its lease, its memory, its word. */
export const agentMutants: readonly Mutant[] = [
  {
    name: 'agent-ignores-incarnation',
    summary: 'the agent takes commands that were sent to an earlier start of it',
    edits: [
      {
        file: 'agent/checks.ts',
        find: 'if (envelope.incarnation !== view.incarnation) {',
        replace: 'if (envelope.incarnation === "") {',
      },
      {
        file: 'agent/checks.ts',
        find: 'if (node === view.node && incarnation === view.incarnation) return null;',
        replace: 'if (node === view.node || incarnation !== "") return null;',
      },
    ],
    expected: ['permits', 'singleWriter', 'owners', 'leases'],
    maxSeeds: 600,
    profile: 'agents',
  },
  {
    name: 'agent-ignores-token',
    summary: 'the agent starts a VM with a token that it has seen before',
    edits: [
      {
        file: 'agent/checks.ts',
        find: 'if (token > seen) return null;',
        replace: 'if (token >= 0 || seen < 0) return null;',
      },
    ],
    expected: ['permits', 'singleWriter', 'owners'],
    maxSeeds: 600,
    profile: 'agents',
  },
  {
    name: 'agent-accepts-equal-token',
    summary: 'the newest token it has seen is good enough for another start',
    edits: [
      {
        file: 'agent/checks.ts',
        find: 'if (token > seen) return null;',
        replace: 'if (token >= seen) return null;',
      },
    ],
    expected: ['permits', 'singleWriter', 'owners'],
    maxSeeds: 1000,
    profile: 'agents',
  },
  {
    name: 'agent-tokens-in-memory-only',
    summary: 'tokens are not written to the state file before a start',
    edits: [
      {
        file: 'agent/state-format.ts',
        find: 'tokens: [...state.tokens] }',
        replace: 'tokens: [] }',
      },
    ],
    expected: ['agentMemory'],
    maxSeeds: 20,
    profile: null,
  },
  {
    name: 'agent-state-not-synced',
    summary: 'the state file is written in place and never synced',
    edits: [
      {
        file: 'agent/state-file.ts',
        find: 'await this.#env.disk.replace(this.#path, encodeState(state), { mode: 0o600 });',
        replace:
          'const file = await this.#env.disk.open(this.#path, { create: true }); await file.truncate(0); await file.write(0, encodeState(state)); await file.close();',
      },
    ],
    expected: ['agentMemory'],
    maxSeeds: 100,
    profile: 'power',
  },
  {
    name: 'agent-effect-before-record',
    summary: 'a start goes out before its token is on disk',
    edits: [
      {
        file: 'agent/executor.ts',
        find: "if (kind !== 'release' || !isCovered) {",
        replace: "if (kind === 'release' && !isCovered) {",
      },
      {
        file: 'agent/executor.ts',
        find: 'if (job.recorded && !this.#options.state.covers({ epoch: envelope.epoch })) {',
        replace: 'if (job.recorded && envelope.epoch < 0) {',
      },
    ],
    expected: ['agentMemory'],
    maxSeeds: 100,
    profile: null,
  },
  {
    name: 'agent-ignores-lease',
    summary: 'the agent starts VMs without a valid lease',
    edits: [
      {
        file: 'agent/checks.ts',
        find: 'if (leaseHolds(view.lease, view.nowMs)) return null;',
        replace: 'if (leaseHolds(view.lease, view.nowMs) || view.nowMs > 0) return null;',
      },
    ],
    expected: ['leases'],
    maxSeeds: 1500,
    profile: 'agents',
  },
  {
    name: 'agent-lease-from-receipt',
    summary:
      'the lease counts from the receipt of the answer, not from the sending of the heartbeat',
    edits: [
      {
        file: 'agent/manager-session.ts',
        find: 'this.#options.onAck({ lease, epoch, incarnation, ...times });',
        replace:
          'this.#options.onAck({ lease, epoch, incarnation, ...times, sentAtMs: this.#options.env.clock.boottimeMs() });',
      },
    ],
    expected: ['leases'],
    maxSeeds: 20,
    profile: null,
  },
  {
    name: 'agent-ignores-epoch',
    summary: 'the agent obeys a leader older than the newest it has met',
    edits: [
      {
        file: 'agent/checks.ts',
        find: 'if (envelope.epoch < view.epochSeen) {',
        replace: 'if (envelope.epoch < 0) {',
      },
    ],
    expected: ['leases'],
    maxSeeds: 2000,
    profile: 'leaders',
  },
  {
    name: 'agent-release-unverified',
    summary: 'a release is acknowledged although the domain still runs',
    edits: [
      {
        file: 'agent/operations.ts',
        find: "  await shutDownGuest(tools, command.vm);\n  const boundMs = tools.tuning.goneMs;\n  const removal = await removeDomain(tools, command.vm, { only: null, boundMs });\n  if (removal.kind === 'gone') return done;",
        replace:
          "  void shutDownGuest(tools, command.vm);\n  const boundMs = tools.tuning.goneMs;\n  if (boundMs > 0) return done;\n  const removal = await removeDomain(tools, command.vm, { only: null, boundMs });\n  if (removal.kind === 'gone') return done;",
      },
    ],
    expected: ['owners', 'singleWriter', 'placement'],
    maxSeeds: 100,
    profile: null,
  },
  {
    name: 'agent-failed-start-not-cleared',
    summary: 'a start that failed is reported as certainly not done while it may still come up',
    edits: [
      {
        file: 'agent/operations.ts',
        find: "    case 'failed':\n      return withdrawStart(tools, permit, failed(result.code, result.message));\n    case 'ambiguous':\n      return resolveStart(tools, command);",
        replace:
          "    case 'failed':\n      return withdrawStart(tools, permit, failed(result.code, result.message));\n    case 'ambiguous':\n      return failed('startUnconfirmed', result.message);",
      },
    ],
    expected: ['permits', 'owners', 'singleWriter', 'placement'],
    maxSeeds: 1000,
    profile: 'agents',
  },
];
