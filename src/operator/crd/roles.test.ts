import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { kinds } from './kinds.ts';

interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules?: readonly {
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

const rolesIn = (name: string): readonly Role[] => {
  const file = new URL(`../../../deploy/kustomize/${name}`, import.meta.url);
  return parseAllDocuments(readFileSync(file, 'utf8')).map((one) => one.toJS() as Role);
};
const roles = ['rbac.yaml', 'nodes.yaml', 'placeholders.yaml'].flatMap(rolesIn);
const rulesOf = (name: string): NonNullable<Role['rules']> =>
  roles.find((role) => role.kind === 'ClusterRole' && role.metadata.name === name)?.rules ?? [];
const verbsOn = (role: string, resource: string): readonly string[] =>
  rulesOf(role).flatMap((rule) => (rule.resources.includes(resource) ? rule.verbs : []));

test('the operator may follow every kind and write its status, and names nothing else', () => {
  for (const { plural } of kinds) {
    expect(verbsOn('kennel-operator', plural)).toEqual(
      expect.arrayContaining(['get', 'list', 'watch', 'patch']),
    );
    expect(verbsOn('kennel-operator', `${plural}/status`)).toEqual(['patch']);
  }
  const named = rulesOf('kennel-operator').flatMap((rule) => rule.resources);
  expect(new Set(named.map((one) => one.replace('/status', '')))).toEqual(
    new Set(kinds.map((kind) => kind.plural)),
  );
});

test('the operator may change Nodes, and neither make nor delete one', () => {
  const rules = rulesOf('kennel-operator-nodes');
  expect(rules.map(({ resources, verbs }) => [resources, verbs])).toEqual([
    [['nodes'], ['get', 'list', 'watch', 'patch']],
  ]);
});

test('the operator has to do with pods in its own namespace alone, and changes none', () => {
  const named = roles.filter(({ rules = [] }) =>
    rules.some(({ resources }) => resources.includes('pods')),
  );
  expect(named.map(({ kind, rules }) => [kind, rules?.map(({ verbs }) => verbs)])).toEqual([
    ['Role', [['get', 'list', 'watch', 'create', 'delete']]],
  ]);
});

test('the placeholders are of a priority class that there is', () => {
  const [priority] = roles.filter(({ kind }) => kind === 'PriorityClass');
  const source = readFileSync(
    new URL('../placeholder/placeholder-pod.ts', import.meta.url),
    'utf8',
  );
  expect(source).toContain(`'${priority?.metadata.name}'`);
});

test('the operator never makes or deletes what people ask for', () => {
  for (const resource of ['virtualmachines', 'migrations', 'nodemaintenances']) {
    expect(verbsOn('kennel-operator', resource)).not.toContain('create');
    expect(verbsOn('kennel-operator', resource)).not.toContain('delete');
  }
});

test('people of a namespace may write what is theirs, and see nothing of the whole cluster', () => {
  for (const role of ['kennel-view', 'kennel-edit']) {
    const named = rulesOf(role).flatMap((rule) => rule.resources);
    expect(named).toEqual(kinds.filter((kind) => kind.isNamespaced).map((kind) => kind.plural));
  }
  expect(verbsOn('kennel-edit', 'virtualmachines')).toContain('create');
});
