import type { Mutant } from './mutant.ts';

/** Defects in peer hold: promises, leases under them, the majority against a node, the petter's deadline. */
export const peerHoldMutants: readonly Mutant[] = [
  {
    name: 'promise-while-holding-a-lease',
    summary: 'an agent promises although it has told a manager that it holds a lease',
    edits: [
      {
        file: 'src/core/hold/promiser.ts',
        find: 'if (nowMs < boundUntilMs(state, times)) return null;',
        replace: 'if (boundUntilMs(state, times) < 0) return null;',
      },
    ],
    expected: ['peerHold'],
    maxSeeds: 40,
    profile: 'peerHold',
  },
  {
    name: 'lease-taken-under-a-promise',
    summary: 'an agent takes a lease before its promises have run out',
    edits: [
      {
        file: 'src/core/hold/promiser.ts',
        find: 'const taken = nowMs >= state.promisedUntilMs;',
        replace: 'const taken = nowMs >= state.startedMs;',
      },
    ],
    expected: ['peerHold'],
    maxSeeds: 60,
    profile: 'peerHold',
  },
  {
    name: 'promise-forgotten-by-restart',
    summary: 'an agent that starts anew takes a lease under what the start before promised',
    edits: [
      {
        file: 'src/core/hold/promiser.ts',
        find: '(kept.promising ? kept.keepMs : 0)',
        replace: '(kept.promising ? kept.keepMs - kept.keepMs : 0)',
      },
    ],
    expected: ['peerHold'],
    maxSeeds: 300,
    profile: 'peerHold',
  },
  {
    name: 'majority-with-a-gap',
    summary: 'the leader counts from before a time in which too few had confirmed their leases',
    edits: [
      {
        file: 'src/core/hold/majority.ts',
        find: 'if (!isMajority(fromMs, untilMs)) break;',
        replace: 'if (!isMajority(fromMs, untilMs) && sinceMs === null) break;',
      },
    ],
    expected: ['peerHold', 'proofs'],
    maxSeeds: 100,
    profile: 'peerHold',
  },
  {
    name: 'newer-membership-counted',
    summary: 'the leader counts the newest membership alone, which the node has not acknowledged',
    edits: [
      {
        file: 'src/core/hold/majority.ts',
        find: 'return at < 0 ? null : known.slice(at);',
        replace: 'return at < 0 ? null : known.slice(-1);',
      },
    ],
    expected: ['peerHold', 'proofs'],
    maxSeeds: 200,
    profile: 'peerHold',
  },
  {
    name: 'majority-not-asked-for',
    summary: 'the leader proves a node dead by time although the others may hold it',
    edits: [
      {
        file: 'src/core/hold/majority.ts',
        find: 'if (held.length === 0) return',
        replace: 'if (held.length >= 0) return',
      },
    ],
    expected: ['peerHold', 'proofs', 'selfFencing'],
    maxSeeds: 60,
    profile: 'peerHold',
  },
  {
    name: 'kill-called-off',
    summary: 'the petter takes a new deadline while it kills for the last one',
    edits: [
      {
        file: 'agent/watchdog/petter-core.ts',
        find: "if (phase === 'killing' || phase === 'biting') return refused('the VMs are being killed');",
        replace: "if (phase === 'biting') return refused('the VMs are being killed');",
      },
    ],
    expected: ['peerHold'],
    maxSeeds: 200,
    profile: 'peerHold',
  },
];
