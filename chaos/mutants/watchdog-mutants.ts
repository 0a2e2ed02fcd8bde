import type { Mutant } from './mutant.ts';

/** Defects in self-fencing: the petter, what it is told, and the proof by time. */
export const watchdogMutants: readonly Mutant[] = [
  {
    name: 'bound-counts-watchdog-once',
    summary: 'the bound of the proof by time has W where kW stands',
    edits: [
      {
        file: 'src/core/timing/self-fence-bound.ts',
        find: 'timing.graceMs + watchdogRounds * timing.watchdogMs;',
        replace: 'timing.graceMs + (watchdogRounds * timing.watchdogMs) / watchdogRounds;',
      },
    ],
    expected: ['selfFencing', 'proofs', 'singleWriter'],
    maxSeeds: 60,
    profile: 'watchdog',
  },
  {
    name: 'close-is-no-pet',
    summary: 'two rounds are counted although no copy of the device outlives the petter',
    edits: [
      {
        file: 'src/core/proof/self-fence.ts',
        find: 'const watchdogRounds = watchdog.held ? 2 : 3;',
        replace: 'const watchdogRounds = watchdog.held ? 2 : 2;',
      },
    ],
    expected: ['selfFencing', 'proofs'],
    maxSeeds: 600,
    profile: 'watchdog',
  },
  {
    name: 'leases-of-earlier-leaders-forgotten',
    summary: 'a new leader does not count from its election what it did not grant itself',
    edits: [
      {
        file: 'src/core/proof/self-fence.ts',
        find: 'const leasedMs = Math.max(grantedMs, evidence.leadingSinceMs);',
        replace: 'const leasedMs = Math.max(grantedMs, evidence.leadingSinceMs - 60_000);',
      },
    ],
    expected: ['selfFencing', 'proofs'],
    maxSeeds: 500,
    profile: 'watchdog',
  },
  {
    name: 'lease-of-restarted-agent-forgotten',
    summary: 'what an agent held before it restarted is not counted',
    edits: [
      {
        file: 'src/core/decide/self-fencing.ts',
        find: 'leaseGrantedMs: observations.leaseGrantedMs.get(fence.node) ?? null,',
        replace: 'leaseGrantedMs: seen?.lastLeaseMs ?? null,',
      },
    ],
    expected: ['selfFencing', 'proofs'],
    maxSeeds: 300,
    profile: 'watchdog',
  },
  {
    name: 'petter-forgets-its-token',
    summary: 'a petter that starts anew pets without conditions',
    edits: [
      {
        file: 'agent/watchdog/petter-core.ts',
        find: 'token: token?.bootId === bootId ? token : null,',
        replace: 'token: token?.bootId === bootId ? null : token,',
      },
    ],
    expected: ['proofs', 'singleWriter', 'permits'],
    maxSeeds: 200,
    profile: 'watchdog',
  },
  {
    name: 'copies-are-not-named',
    summary: 'a copy that may come is not named to the petter',
    edits: [
      {
        file: 'agent/watchdog/covered-hypervisor.ts',
        find: '(await fencing.covers(vm)) ? hypervisor.expectCopy(vm) : uncovered(vm),',
        replace: 'fencing.attested === undefined ? uncovered(vm) : hypervisor.expectCopy(vm),',
      },
    ],
    expected: ['selfFencing'],
    maxSeeds: 200,
    profile: 'watchdog',
  },
];
