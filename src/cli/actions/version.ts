import type { Call } from '../command.ts';
import { print } from '../output.ts';
import { packageVersion } from '../version.ts';

export async function showVersion(call: Call): Promise<number> {
  const versions = { kennel: packageVersion(), node: process.versions.node };
  await print(call, versions, () => `kennel ${versions.kennel} (Node.js ${versions.node})`);
  return 0;
}
