import { runRaftGroup } from './raft-group.ts';

/* `from seeds`: runs groups in the order of their seeds until one breaks a rule, and prints which. */

const [from = 1, seeds = 0] = process.argv.slice(2).map(Number);
let found: { readonly seed: number; readonly message: string } | null = null;
for (let seed = from; seed < from + seeds && found === null; seed++) {
  const message = runRaftGroup(seed);
  if (message !== null) found = { seed, message };
}
console.log(JSON.stringify(found));
