import { mapped, note, refused, type Row } from './row.ts';

const bookkeeping = 'Kubernetes keeps it for itself';

/** `metadata` of anything. Annotations may repeat a whole manifest, with its passwords. */
export const metadataRows: readonly Row[] = [
  mapped('name', '`name`'),
  note('namespace', 'a cluster of Kennel has one space of names'),
  refused('generateName', 'the name that the API server made is not known'),
  note('labels', 'VMs have no labels; anti-affinity among the files is resolved by them'),
  note('annotations', 'no setting of Kennel lives in an annotation', { isSecret: true }),
  refused('annotations["hooks.kubevirt.io/hookSidecars"]', 'a hook rewrites the domain by code', {
    isSecret: true,
  }),
  note('creationTimestamp', bookkeeping),
  refused('deletionTimestamp', 'the object is being deleted, and must not come to life again'),
  note('deletionGracePeriodSeconds', bookkeeping),
  note('finalizers', bookkeeping),
  note('generation', bookkeeping),
  note('managedFields', bookkeeping, { isSecret: true }),
  note('ownerReferences', bookkeeping),
  note('resourceVersion', bookkeeping),
  note('selfLink', bookkeeping),
  note('uid', bookkeeping),
];

/** What stands above the spec of each kind. */
export const typeRows: readonly Row[] = [
  mapped('apiVersion', 'which API this is'),
  mapped('kind', 'what this is'),
  note('status', 'what was so, not what is asked for', { isSecret: true }),
];
