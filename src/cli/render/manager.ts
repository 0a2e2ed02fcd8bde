import type { ManagersView, ManagerView } from '../../api/schema/managers.ts';
import { renderColumns, type Cell } from './columns.ts';
import type { Layout } from './layout.ts';
import { formatAge } from '../duration.ts';

/** The managers as a table, and below it a line for the store and each of its own servers. */
export function renderManagers(view: ManagersView, layout: Layout): string {
  const header = ['NAME', 'ROLE', 'STATE', 'SEEN', 'BEHIND', 'API', 'SESSIONS'];
  const rows = view.managers.map((manager) => managerRow(manager, layout));
  const leader = view.leader === null ? 'no leader' : `leader ${view.leader} (epoch ${view.epoch})`;
  return [
    ...renderColumns(header, rows, layout.columns),
    '',
    `${leader}  ${storeText(view.store)}`,
    ...view.store.members.map(memberText),
  ].join('\n');
}

function managerRow(manager: ManagerView, layout: Layout): readonly Cell[] {
  const { name, role, healthy, leads, lastSeenMs, behind, api, sessions } = manager;
  const state = healthy ? (leads ? 'leads' : 'follows') : 'silent';
  return [
    { text: name },
    { text: role },
    { text: state, paint: healthy ? undefined : layout.paint.critical },
    { text: lastSeenMs === null ? 'never' : `${formatAge(lastSeenMs)} ago` },
    { text: behind === null ? '?' : String(behind), align: 'right' },
    { text: api },
    { text: sessions },
  ];
}

function storeText(store: ManagersView['store']): string {
  const parts = [
    `store ${store.driver}`,
    store.hasQuorum ? 'quorum' : 'NO QUORUM',
    ...(store.term === undefined ? [] : [`term ${store.term}`]),
    ...(store.readOnly === null ? [] : [`read-only: ${store.readOnly}`]),
    ...(store.syncMs === null ? [] : [`slowest sync ${Math.round(store.syncMs)} ms`]),
  ];
  return parts.join(', ');
}

type Member = ManagersView['store']['members'][number];

function memberText({ name, healthy, role, lagEntries, disk }: Member): string {
  const parts = [
    healthy ? 'healthy' : 'not healthy',
    ...(role === undefined ? [] : [role]),
    ...(lagEntries === undefined ? [] : [`${lagEntries} entries behind`]),
    ...(disk === undefined ? [] : [diskText(disk)]),
  ];
  return `  ${name}: ${parts.join(', ')}`;
}

function diskText({
  lastSyncMs,
  slowestSyncMs,
  writeErrors,
  logBytes,
}: NonNullable<Member['disk']>): string {
  const sync = `sync ${lastSyncMs.toFixed(1)} ms (slowest ${slowestSyncMs.toFixed(1)})`;
  const log = `log ${(logBytes / 2 ** 20).toFixed(1)} MiB`;
  return writeErrors === 0 ? `${sync}, ${log}` : `${sync}, ${log}, ${writeErrors} WRITE ERRORS`;
}
