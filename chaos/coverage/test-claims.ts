import type { TestKind } from './catalogue.ts';
import type { Claim } from './claim.ts';
import { idsOfTitle } from './claimed-ids.ts';
import type { SourceTree } from './source-tree.ts';

/** Who imports this runs a whole cluster under virtual time. */
const wholeCluster = 'chaos/sim/cluster.ts';
/** Tests in here try the tools of testing, and show nothing of the product by themselves. */
const tools = ['chaos/', 'deploy/lab/', 'test/bench/'];
/** Real parts in here are the product's, though the folder is one of tools. */
const realChaos = 'chaos/real/';

/**
 * The claims of all test files. A suite that several test files run, such as the conformance of a
 * store, claims for each file that imports it.
 */
export function testClaims(tree: SourceTree): readonly Claim[] {
  return tree.testFiles().flatMap((path) => {
    const reached = tree.reached(path);
    const isCluster = reached.some((file) => file.path === wholeCluster);
    const kind = kindOfTests(path, isCluster);
    if (kind === null) return [];
    return reached
      .flatMap((file) => file.titles)
      .filter(({ isVoid }) => !isVoid)
      .flatMap(({ title }) =>
        idsOfTitle(title).map((id) => ({ ...id, kind, source: path, title })),
      );
  });
}

/** What the tests of a file show; null = nothing of the product. */
export function kindOfTests(path: string, isCluster: boolean): TestKind | null {
  const isTool = tools.some((folder) => path.startsWith(folder)) && !path.startsWith(realChaos);
  if (path.endsWith('.real.test.ts')) return isTool ? null : 'real';
  if (isCluster) return 'sim';
  return isTool || path.startsWith(realChaos) ? null : 'unit';
}

/** Every id that stands at the beginning of a name, also in tests that show nothing. */
export function everyTitledId(tree: SourceTree): readonly Omit<Claim, 'kind'>[] {
  return tree.testFiles().flatMap((path) =>
    tree
      .reached(path)
      .flatMap((file) => file.titles)
      .flatMap(({ title }) => idsOfTitle(title).map((id) => ({ ...id, source: path, title }))),
  );
}
