import { describe, expect, it } from 'vitest';
import { checkMutant, hunt } from './hunt.ts';
import { mutated } from './mutant.ts';
import { mutants } from './mutants.ts';

/** Caught within a few seeds, by different checkers. */
const quick = [
  'start-before-commit',
  'agent-tokens-in-memory-only',
  'token-reused',
  'storm-guard-off',
  'raft-read-before-own-entry',
  'raft-old-term-counted',
];

describe('planted defects', () => {
  it.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
    '%s still fits the source exactly once',
    (_, mutant) => {
      expect(() => checkMutant(mutant)).not.toThrow();
    },
  );

  it('have names of their own', () => {
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
    expect(mutants.length).toBeGreaterThanOrEqual(25);
  });

  it('a text that is gone, or stands twice, is an error', () => {
    const edit = { file: 'a.ts', find: 'x', replace: 'y' };
    const mutant = {
      name: 'm',
      summary: '',
      edits: [edit],
      expected: [],
      maxSeeds: 1,
      profile: null,
    };
    expect(mutated(mutant, 'a.ts', 'axb')).toBe('ayb');
    expect(mutated(mutant, 'b.ts', 'axb')).toBe('axb');
    expect(() => mutated(mutant, 'a.ts', 'b')).toThrow('0 times');
    expect(() => mutated(mutant, 'a.ts', 'x x')).toThrow('2 times');
  });

  it.each(quick)(
    '%s is caught by a checker that was expected',
    async (name) => {
      const mutant = mutants.find((each) => each.name === name);
      if (mutant === undefined) throw new Error(`no mutant ${name}`);
      expect(await hunt(mutant)).toMatchObject({ caught: true, asExpected: true });
    },
    240_000,
  );
});
