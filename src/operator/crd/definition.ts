import { stringify } from 'yaml';
import { celKey } from '../../api/schema/kubernetes/rule.ts';
import type { Kind } from './kinds.ts';
import { structuralSchema, type JsonSchema } from './structural.ts';

/** The object that teaches an API server a kind. */
export function crdOf(kind: Kind): JsonSchema {
  const { group, version, plural, singular, shortNames } = kind;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: kind.isNamespaced ? 'Namespaced' : 'Cluster',
      names: {
        plural,
        singular,
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        shortNames,
        categories: ['kennel'],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          selectableFields: kind.selectable.map((jsonPath) => ({ jsonPath })),
          additionalPrinterColumns: kind.columns.map(({ path, ...column }) => ({
            ...column,
            jsonPath: path,
          })),
          schema: { openAPIV3Schema: rootSchema(kind) },
        },
      ],
    },
  };
}

function rootSchema({ description, spec, status, longestName }: Kind): JsonSchema {
  const rules = [
    ...(longestName === null
      ? []
      : [
          {
            rule: `self.metadata.name.size() <= ${longestName}`,
            message: `the name must have at most ${longestName} characters`,
          },
        ]),
    // A rule on the status itself is not asked when the status goes.
    {
      rule: '!has(oldSelf.status) || has(self.status)',
      message: 'status cannot be removed once written',
    },
  ];
  return {
    type: 'object',
    description,
    ...(spec === null ? {} : { required: ['spec'] }),
    [celKey]: rules,
    properties: {
      ...(spec === null ? {} : { spec: structuralSchema(spec) }),
      status: structuralSchema(status),
    },
  };
}

/** As it lies in `deploy/crds`. */
export function crdFile(kind: Kind): { readonly name: string; readonly text: string } {
  const head = '# Made by `npm run crds` from src/api/schema/kubernetes.\n';
  return {
    name: `${kind.plural}.yaml`,
    text: head + stringify(crdOf(kind), { lineWidth: 0, aliasDuplicateObjects: false }),
  };
}
