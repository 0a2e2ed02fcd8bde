import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crdFile } from './definition.ts';
import { kinds } from './kinds.ts';

/** `npm run crds`: writes `deploy/crds` from the schemas. A test finds files that are not as it would write them. */
const directory = fileURLToPath(new URL('../../../deploy/crds', import.meta.url));
mkdirSync(directory, { recursive: true });
for (const kind of kinds) {
  const { name, text } = crdFile(kind);
  writeFileSync(join(directory, name), text);
}
