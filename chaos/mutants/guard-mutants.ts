import type { Mutant } from './mutant.ts';

/** What keeps automatic fencing from harm: channels, governor, quarantine. */
export const guardMutants: readonly Mutant[] = [
  {
    name: 'channels-not-asked',
    summary: 'a node that its peers see is fenced because the managers alone lost it',
    edits: [
      {
        file: 'src/core/decide/guards.ts',
        find: "if (peers.kind !== 'alive') return null;",
        replace: "if (peers.kind !== 'absent') return null;",
      },
    ],
    expected: ['guards', 'falseFence'],
    maxSeeds: 100,
    profile: 'flaps',
  },
  {
    name: 'suspects-own-report',
    summary:
      'what was last heard of suspects counts, and a silent witness says that nobody is seen',
    edits: [
      {
        file: 'src/core/guard/peer-channel.ts',
        find: "  if (alive !== null) return alive;\n  return lostBy.length > 0 ? { kind: 'lost', by: lostBy } : { kind: 'absent' };",
        replace:
          "  if (lostBy.length > 0) return { kind: 'lost', by: lostBy };\n  return alive ?? { kind: 'absent' };",
      },
      {
        file: 'src/core/decide/witnesses.ts',
        find: 'return isOfSession && !isSuspect(seen, observations, state.settings.timing) ? [other.id] : [];',
        replace:
          'return isOfSession || isSuspect(seen, observations, state.settings.timing) ? [other.id] : [];',
      },
    ],
    expected: ['guards', 'falseFence'],
    maxSeeds: 200,
    profile: 'flaps',
  },
  {
    name: 'peers-asked-without-pause',
    summary: 'after a stall of its own the leader asks again and again what its peers still say',
    edits: [
      {
        file: 'src/core/guard/peer-channel.ts',
        find: 'return atMs + question.windowMs + lateAfterMs(seen.stalls, atMs);',
        replace: 'return atMs + question.windowMs;',
      },
    ],
    expected: ['busy'],
    maxSeeds: 600,
    profile: 'leaders',
  },
  {
    name: 'governor-ignores-window',
    summary: 'different nodes are powered off one after the other, as many as there are',
    edits: [
      {
        file: 'src/core/decide/governor.ts',
        find: '  const nodes = new Set(spent.map((one) => one.node));\n  for (const fence of draft.fences()) if (counts(fence)) nodes.add(fence.node);',
        replace: '  const nodes = new Set(spent.slice(0, 0).map((one) => one.node));',
      },
    ],
    expected: ['guards'],
    maxSeeds: 60,
    profile: 'oneByOne',
  },
  {
    name: 'governor-ignores-at-once',
    summary: 'many nodes that are lost together are powered off together',
    edits: [
      {
        file: 'src/core/decide/guards.ts',
        find: 'if (!most && lost.length <= allowedOf(settings.guards.atOnce, total)) return null;',
        replace: 'if (!most) return null;',
      },
      {
        file: 'src/core/decide/governor.ts',
        find: 'if (waits.length > 0 && fencing.length > allowedOf(guards.atOnce, total)) {',
        replace: 'if (waits.length > 0 && fencing.length > total) {',
      },
    ],
    expected: ['guards', 'power'],
    maxSeeds: 100,
    profile: 'flaps',
  },
  {
    name: 'governor-releases-itself',
    summary: 'what the governor holds may be powered off, although nobody said so',
    edits: [
      {
        file: 'src/core/decide/governor.ts',
        find: 'if (out.length > allowedOf(guards.atOnce, total)) {\n    return { ...governor, hold: { ...hold, nodes } };',
        replace:
          'if (out.length > allowedOf(guards.atOnce, total)) {\n    return { ...governor, hold: null, released: nodes };',
      },
    ],
    expected: ['guards'],
    maxSeeds: 60,
    profile: 'rack',
  },
  {
    name: 'quarantine-never-counted',
    summary: 'losses of a node are not counted, so that it is never quarantined',
    edits: [
      {
        file: 'src/core/decide/quarantine.ts',
        find: 'return isSetAside(node) ? node : { ...node, flaps: (node.flaps ?? 0) + 1 };',
        replace: 'return { ...node, flaps: node.flaps ?? 0 };',
      },
    ],
    expected: ['guards'],
    maxSeeds: 100,
    profile: 'flaps',
  },
];
