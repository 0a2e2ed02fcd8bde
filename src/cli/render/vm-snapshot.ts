import type { SnapshotView } from '../../api/schema/snapshot.ts';
import type { VmView } from '../../api/schema/views.ts';
import { renderColumns, renderFields } from './columns.ts';
import type { Layout } from './layout.ts';

export function renderSnapshots({ name, snapshots = [] }: VmView, layout: Layout): string {
  if (snapshots.length === 0) {
    return `no snapshots of ${name}: kennel vm snapshot create ${name} NAME`;
  }
  const rows = snapshots.map((one) =>
    [one.name, one.state, one.at, one.node, one.by, one.note ?? ''].map((text) => ({ text })),
  );
  const header = ['SNAPSHOT', 'STATE', 'MADE', 'NODE', 'BY', 'NOTE'];
  return renderColumns(header, rows, layout.columns).join('\n');
}

const stateTexts: Readonly<Record<SnapshotView['state'], string>> = {
  making: 'being made',
  ready: 'ready',
  deleting: 'being deleted',
  unsure:
    'its node did not say whether it was made, or deleted: delete it, or try to go back to it',
};

export function renderSnapshot(vm: VmView, one: SnapshotView, layout: Layout): string {
  const fields: [string, string][] = [
    ['snapshot', one.name],
    ['vm', vm.name],
    ['state', stateTexts[one.state]],
    ['made', `by ${one.by} at ${one.at}, on ${one.node}`],
    ['in the disks', `as kennel-${one.name}`],
    ...(one.note === null ? [] : [['note', one.note] satisfies [string, string]]),
  ];
  return renderFields(fields, layout.columns).join('\n');
}
