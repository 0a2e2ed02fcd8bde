import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  migrationSpecSchema,
  migrationTransitions,
} from '../../../src/api/schema/kubernetes/migration.ts';
import {
  nodeMaintenanceSpecSchema,
  nodeMaintenanceTransitions,
} from '../../../src/api/schema/kubernetes/node-maintenance.ts';
import { brokenTransitions } from '../../../src/api/schema/kubernetes/rule.ts';
import { migrations, nodeMaintenances, type Kind } from '../../../src/operator/crd/kinds.ts';
import { objectPath } from '../../../src/operator/kube/resource.ts';
import type { ControlPlane } from '../testing/control-plane.ts';
import { installCrds, judgeKind, namespace, refusedBy } from './crd-rules.ts';

const durations = fc.constantFrom(
  '1h',
  '1h30m',
  '90s',
  '1m1s',
  '1000000s',
  '',
  's',
  '1.5h',
  '30m1h',
);
const names = fc.constantFrom('node-1', 'node-1', 'node-2', '');

const maintenanceSpecs = fc.record(
  {
    nodeName: names,
    reason: fc.constantFrom('new memory', '', 'x'.repeat(256), 'x'.repeat(257)),
    evictionTimeout: fc.oneof(durations, fc.constantFrom('1h', '30m')),
    policy: fc.constantFrom('Restart', 'Leave', 'Refuse', 'Refuse', 'Leave', 'refuse'),
  },
  { requiredKeys: [] },
);

const migrationSpecs = fc.record(
  {
    vmName: fc.constantFrom('db', 'db', 'db', 'web', ''),
    targetHypervisor: names,
    way: fc.constantFrom('Live', 'Cold', 'LiveOrCold', 'Live', 'Cold', 'live'),
    bandwidthMiBs: fc.constantFrom(1, 1, 100, 1_000_000, 1_000_001, 0),
    autoConverge: fc.boolean(),
    deadlineMs: fc.constantFrom(1000, 600_000, 600_000, 86_400_000, 999, 86_400_001),
  },
  { requiredKeys: [] },
);

/** A kind whose objects say what people want once, with our own form of its rules. */
interface Wish {
  readonly kind: Kind;
  readonly specs: fc.Arbitrary<object>;
  /** The spec with its defaults; null = it is refused. */
  readonly read: (spec: object) => object | null;
  readonly mayFollow: (before: object, after: object) => boolean;
}

const wishes: readonly Wish[] = [
  {
    kind: nodeMaintenances,
    specs: maintenanceSpecs,
    read: (spec) => nodeMaintenanceSpecSchema.safeParse(spec).data ?? null,
    mayFollow: (before, after) =>
      brokenTransitions(nodeMaintenanceTransitions, before as never, after as never).length === 0,
  },
  {
    kind: migrations,
    specs: migrationSpecs,
    read: (spec) => migrationSpecSchema.safeParse(spec).data ?? null,
    mayFollow: (before, after) =>
      brokenTransitions(migrationTransitions, before as never, after as never).length === 0,
  },
];

/** `Invalid` is a verdict; anything else that went wrong is none, and shows as it is. */
const verdictOf = (text: string): string => (text.startsWith('invalid') ? 'refused' : text);

export function wishRuleSuite(plane: () => ControlPlane): void {
  describe.each(wishes.map((wish) => [wish.kind.kind, wish] as const))('%s', (_, wish) => {
    const { kind, specs, read, mayFollow } = wish;
    beforeAll(() => installCrds(plane()), 120_000);

    test('its verdict on a spec is ours, and so are its defaults', async () => {
      const verdicts = { accepted: 0, refused: 0 };
      await fc.assert(
        fc.asyncProperty(specs, async (spec) => {
          const answer = await judgeKind(plane(), kind, { name: 'any', spec });
          const ours = read(spec);
          verdicts[ours === null ? 'refused' : 'accepted'] += 1;
          const verdict = verdictOf(refusedBy(answer));
          expect([spec, verdict]).toEqual([spec, ours === null ? 'refused' : 'accepted']);
          const filled = answer.kind === 'answered' ? answer.body : { spec: null };
          expect(filled).toMatchObject({ spec: ours });
        }),
        { numRuns: 200 },
      );
      expect(Math.min(verdicts.accepted, verdicts.refused)).toBeGreaterThan(20);
    }, 120_000);

    test('its verdict on a change of a spec is ours', async () => {
      const verdicts = { accepted: 0, refused: 0 };
      const valid = specs.filter((spec) => read(spec) !== null);
      let round = 0;
      await fc.assert(
        fc.asyncProperty(valid, valid, fc.boolean(), async (before, other, isSame) => {
          round += 1;
          const after = isSame ? { ...before } : other;
          const name = `change-${round}`;
          const made = await judgeKind(plane(), kind, { name, spec: before, keep: true });
          expect(refusedBy(made)).toBe('accepted');
          const answer = await judgeKind(plane(), kind, { name, spec: after });
          // An operator that starts later is not to find it.
          const path = objectPath(kind, kind.isNamespaced ? { name, namespace } : { name });
          const gone = await plane().api.call({ method: 'DELETE', path });
          expect(gone.kind).toBe('answered');
          const ours = mayFollow(read(before) ?? {}, read(after) ?? {});
          verdicts[ours ? 'accepted' : 'refused'] += 1;
          expect([before, after, verdictOf(refusedBy(answer))]).toEqual([
            before,
            after,
            ours ? 'accepted' : 'refused',
          ]);
        }),
        { numRuns: 80 },
      );
      expect(Math.min(verdicts.accepted, verdicts.refused)).toBeGreaterThan(10);
    }, 120_000);
  });
}
