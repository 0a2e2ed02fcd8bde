import { expect, it } from 'vitest';
import { fenceDriverKinds } from '../src/api/schema/fencing.ts';
import { builtinDrivers } from './registry.ts';

it('the command line offers exactly the drivers that there are', () => {
  expect(builtinDrivers().kinds()).toEqual([...fenceDriverKinds].sort());
});
