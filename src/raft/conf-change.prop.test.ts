import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeConfChange, encodeConfChange, pathOf, type AnyConfChange } from './conf-change.ts';

const change = fc.record({
  kind: fc.constantFrom(
    'addVoter' as const,
    'addLearner' as const,
    'remove' as const,
    'update' as const,
  ),
  id: fc.maxSafeNat(),
});
const context = fc.option(fc.uint8Array({ minLength: 1, maxLength: 300 }), { nil: null });
const any: fc.Arbitrary<AnyConfChange> = fc.oneof(
  fc.record({ version: fc.constant(1 as const), change, context }),
  fc.record({
    version: fc.constant(2 as const),
    transition: fc.constantFrom(
      'auto' as const,
      'jointImplicit' as const,
      'jointExplicit' as const,
    ),
    changes: fc.array(change, { maxLength: 5 }),
    context,
  }),
);

function outcomeOf(work: () => void): string {
  try {
    work();
    return 'decoded';
  } catch (error) {
    return String(error);
  }
}

describe('a configuration change', () => {
  it('comes back from its entry as it went in', () => {
    fc.assert(
      fc.property(any, (one) => {
        const { type, data } = encodeConfChange(one);
        expect(decodeConfChange(type, data)).toEqual(one);
      }),
    );
  });

  it('cut short is either refused or another change, never a crash of another kind', () => {
    fc.assert(
      fc.property(any, fc.nat(), (one, at) => {
        const { type, data } = encodeConfChange(one);
        const cut = data.slice(0, at % (data.length + 1));
        expect(outcomeOf(() => decodeConfChange(type, cut))).toMatch(/^decoded$|malformed/);
      }),
    );
  });

  it('without data is the empty one, which leaves a joint configuration', () => {
    const empty = decodeConfChange('confChangeV2', null);
    expect(empty).toEqual({ version: 2, transition: 'auto', changes: [], context: null });
    expect(empty.version === 2 && pathOf(empty)).toEqual({ kind: 'leave' });
  });

  it('of one member is simple unless a joint one is asked for', () => {
    const one = { kind: 'addVoter' as const, id: 4 };
    const v2 = (transition: 'auto' | 'jointImplicit' | 'jointExplicit', changes = [one]) =>
      pathOf({ version: 2, transition, changes, context: null });
    expect(v2('auto')).toEqual({ kind: 'simple' });
    expect(v2('auto', [one, one])).toEqual({ kind: 'joint', autoLeave: true });
    expect(v2('jointImplicit')).toEqual({ kind: 'joint', autoLeave: true });
    expect(v2('jointExplicit')).toEqual({ kind: 'joint', autoLeave: false });
  });
});
