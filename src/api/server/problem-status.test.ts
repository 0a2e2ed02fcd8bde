import { expect, test } from 'vitest';
import { problemCodes } from '../../core/problem.ts';
import { problemStatus } from './problem-status.ts';

test('every problem has an HTTP status that says error', () => {
  expect(Object.keys(problemStatus).sort()).toEqual(Object.keys(problemCodes).sort());
  for (const status of Object.values(problemStatus)) expect(status).toBeGreaterThanOrEqual(400);
});
