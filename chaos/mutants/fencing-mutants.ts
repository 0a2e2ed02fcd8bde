import type { Mutant } from './mutant.ts';

/** Defects in fencing: intents, proofs, guards and devices. */
export const fencingMutants: readonly Mutant[] = [
  {
    name: 'one-off-reading',
    summary: 'one Off reading is proof enough',
    edits: [
      {
        file: 'src/core/proof/power-off.ts',
        find: 'export const minOffReadings = 3;',
        replace: 'export const minOffReadings = 1;',
      },
      {
        file: 'src/core/proof/power-off.ts',
        find: 'last.atMs - sinceMs < device.settleMs',
        replace: 'last.atMs - first.atMs < 0',
      },
      {
        file: 'src/core/proof/power-off.ts',
        find: "if (evidence.outstanding) return { kind: 'missing', missing: ['a power command is in flight'] };",
        replace: '',
      },
    ],
    expected: ['proofs', 'singleWriter'],
    maxSeeds: 1500,
    profile: 'lies',
  },
  {
    name: 'off-while-it-beats',
    summary: 'Off is believed although the node is heard',
    edits: [
      {
        file: 'src/core/proof/power-off.ts',
        find: "if (reading.power !== 'off' || !sameMachine || !afterLife) break;",
        replace: "if (reading.power !== 'off' || !sameMachine) break;",
      },
      {
        file: 'src/core/proof/power-off.ts',
        find: '    const afterLife = evidence.lastHeartbeatMs === null || reading.atMs > evidence.lastHeartbeatMs;\n',
        replace: '',
      },
    ],
    expected: ['proofs', 'singleWriter'],
    maxSeeds: 300,
    profile: 'lies',
  },
  {
    name: 'identity-unchecked',
    summary: 'a fence device is used whatever machine it says it belongs to',
    edits: [
      {
        file: 'fencing/device-access.ts',
        find: "if (read.identity === enrolled) return { kind: 'enrolled' };",
        replace: "if (read.identity !== '') return { kind: 'enrolled' };",
      },
    ],
    expected: ['power', 'proofs', 'singleWriter'],
    maxSeeds: 800,
    profile: 'power',
  },
  {
    name: 'off-hammered',
    summary: 'a power command that had no good end is sent again at once',
    edits: [
      {
        file: 'fencing/off-state.ts',
        find: 'budgets.resendAfterMs * 2 ** (times - 1)',
        replace: 'budgets.resendAfterMs * 0 * (times - 1)',
      },
      {
        file: 'fencing/drivers/ipmi/driver.ts',
        find: 'minIntervalMs: 5000',
        replace: 'minIntervalMs: 0',
      },
    ],
    expected: ['power'],
    maxSeeds: 1500,
    profile: 'power',
  },
  {
    name: 'rc-is-proof',
    summary: 'the return code of the off command is taken for an Off reading',
    edits: [
      {
        file: 'fencing/device-execution.ts',
        find: '    this.#options.onAttempt(sent.attempt);\n',
        replace:
          "    this.#options.onAttempt(sent.attempt);\n    if (sent.result.kind === 'accepted') for (let n = 0; n < 3; n += 1) this.#options.onReading({ device: this.id, atMs: this.#now() + n * 4000, power: 'off', identity: this.#options.access.device.identity });\n",
      },
    ],
    expected: ['proofs', 'singleWriter'],
    maxSeeds: 400,
    profile: 'power',
  },
  {
    name: 'newboot-by-any-boot',
    summary: 'any boot id that differs proves a reboot, also an older one remembered by a follower',
    edits: [
      {
        file: 'src/core/decide/fences.ts',
        find: 'return seen?.aliveAtMs != null && seen.aliveAtMs > since.ms ? boot : null;',
        replace: 'return boot;',
      },
      {
        file: 'src/core/decide/nodes.ts',
        find: '    isHeard(draft, seen) &&\n    since !== undefined &&\n    seen.aliveAtMs !== null &&\n    seen.aliveAtMs > since.ms\n',
        replace: '    seen !== undefined && since !== undefined\n',
      },
    ],
    expected: ['proofs', 'singleWriter', 'owners'],
    maxSeeds: 1000,
    profile: 'leaders',
  },
  {
    name: 'storm-guard-off',
    summary: 'nodes are fenced although most of them are lost at once',
    edits: [
      {
        file: 'src/core/decide/guards.ts',
        find: '  governor,\n  storm,\n];',
        replace: '];',
      },
    ],
    expected: ['power', 'guards'],
    maxSeeds: 300,
    profile: 'network',
  },
  {
    name: 'proof-before-intent',
    summary: 'a reboot is taken as proof in the very write that records the intent',
    edits: [
      {
        file: 'src/core/decide/decide.ts',
        find: '  decideFences(draft);\n  decideStrays(draft);\n  decideDowntimes(draft);\n  decideNodes(draft);',
        replace:
          '  decideNodes(draft);\n  decideStrays(draft);\n  decideDowntimes(draft);\n  decideFences(draft);',
      },
      {
        file: 'src/core/decide/fences.ts',
        find: '  if (since === undefined) return;\n  noteIntent(draft, before, since.wall);',
        replace: "  noteIntent(draft, before, since?.wall ?? '');",
      },
      {
        file: 'src/core/decide/fences.ts',
        find: "const lives = fence.phase === 'intent' && isAlive(fence, seen, since.ms);",
        replace:
          "const lives = fence.phase === 'intent' && isAlive(fence, seen, since?.ms ?? 1e15);",
      },
    ],
    expected: ['proofs', 'power'],
    maxSeeds: 400,
    profile: 'power',
  },
  {
    name: 'fence-the-heard',
    summary: 'nodes are fenced after one missed heartbeat',
    edits: [
      {
        file: 'src/core/timing/silence.ts',
        find: '    timing.failAfterMs +\n',
        replace: '    timing.heartbeatMs * 1.1 +\n',
      },
    ],
    expected: ['power'],
    maxSeeds: 100,
    profile: null,
  },
  {
    name: 'acts-without-record',
    summary: 'device commands are sent before `acting` is committed',
    edits: [
      {
        file: 'src/manager/fence-runner.ts',
        find: '    if (!isCommitted(running, devices) && !(await this.#ask(fence, running, devices))) return false;\n',
        replace: '',
      },
    ],
    expected: ['power'],
    maxSeeds: 200,
    profile: 'power',
  },
  {
    name: 'life-does-not-revoke',
    summary: 'a proof is not revoked when the dead incarnation is heard',
    edits: [
      {
        file: 'src/core/decide/fences.ts',
        find: '  if (fence.proof !== null && isDisproven(draft, fence)) {',
        replace: '  if (fence.proof !== null && draft.observations.nowMs < 0) {',
      },
    ],
    expected: ['proofs'],
    maxSeeds: 300,
    profile: 'lies',
  },
  {
    name: 'cycle-instead-of-off',
    summary: 'a node is power-cycled, and comes back while it is being proven dead',
    edits: [
      {
        file: 'fencing/drivers/ipmi/arguments.ts',
        find: "off: ['chassis', 'power', 'off'],",
        replace: "off: ['chassis', 'power', 'cycle'],",
      },
    ],
    expected: ['power'],
    maxSeeds: 50,
    profile: 'power',
  },
  {
    name: 'silence-before-listening',
    summary: 'a new leader counts silence from before it began to listen',
    edits: [
      {
        file: 'src/core/timing/silence.ts',
        find: '  if (heard === null) return observations.observingSinceMs;',
        replace: '  if (heard === null) return observations.observingSinceMs - 60_000;',
      },
    ],
    expected: ['power'],
    maxSeeds: 300,
    profile: 'leaders',
  },
  {
    name: 'storage-error-fences',
    summary: 'a node whose VM stands still on an I/O error is taken for lost',
    edits: [
      {
        file: 'src/core/decide/nodes.ts',
        find: '  if (!isLost(seen, draft.observations, draft.state.settings.timing)) {\n    const noted = noteIsolation(',
        replace:
          "  const stuck = [...(seen?.report?.domains?.values() ?? [])].some((each) => each.reason === 'ioError');\n  if (!stuck && !isLost(seen, draft.observations, draft.state.settings.timing)) {\n    const noted = noteIsolation(",
      },
    ],
    expected: ['power'],
    maxSeeds: 100,
    profile: 'agents',
  },
  {
    name: 'one-outlet-of-two',
    summary: 'a level is taken for off as soon as one of its devices reads Off',
    edits: [
      {
        file: 'src/core/proof/power-off.ts',
        find: 'if (missing.length === 0 && runs.length > 0) {',
        replace:
          'if (runs.some(({ device, run }) => missingOf(device, run, { distrusted: evidence.distrusted, togetherMs: Infinity }).length === 0)) {',
      },
    ],
    expected: ['levels', 'proofs', 'singleWriter'],
    maxSeeds: 300,
    profile: 'levels',
  },
  {
    name: 'level-without-its-time',
    summary: 'the next level is tried as soon as a device was told, without waiting for it',
    edits: [
      {
        file: 'fencing/operation.ts',
        find: '    this.#levelEndMs = this.#levelActsMs + (level.budgetMs ?? budgets.levelMs);\n',
        replace:
          '    this.#levelEndMs = this.#levelActsMs + 0 * (level.budgetMs ?? budgets.levelMs);\n',
      },
    ],
    expected: ['levels'],
    maxSeeds: 100,
    profile: 'levels',
  },
  {
    name: 'on-before-off',
    summary: 'a node is given power while its fence operation is open',
    edits: [
      {
        file: 'src/manager/service/node-service.ts',
        find: "  return phase === 'fencing' || phase === 'blocked' || leader.fences.busyWith(id);\n",
        replace: "  return phase === 'joining' && leader.fences.busyWith(id);\n",
      },
    ],
    expected: ['levels'],
    maxSeeds: 300,
    profile: 'levels',
  },
];
