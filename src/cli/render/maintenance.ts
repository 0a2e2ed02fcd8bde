import type { MaintenanceView } from '../../api/schema/maintenance.ts';
import { formatAge } from '../duration.ts';
import { renderColumns, wrap } from './columns.ts';
import type { Layout } from './layout.ts';

const wayText = { live: 'live', cold: 'restart', liveOrCold: 'live or restart' } as const;

/** One node: what is wanted of it, what is still on it and why, what comes back. */
export function renderMaintenance(view: MaintenanceView, layout: Layout): string {
  const lines = [headline(view)];
  if (view.steps.length > 0) {
    const rows = view.steps.map((step) => [
      { text: step.name },
      { text: step.way === null ? '-' : wayText[step.way] },
      { text: step.to ?? '-' },
      { text: step.state },
      { text: step.estimateMs === null ? '-' : `~${formatAge(step.estimateMs)}` },
      { text: step.because },
    ]);
    lines.push(...renderColumns(['VM', 'HOW', 'TO', 'STATE', 'COPY', 'WHY'], rows, layout.columns));
  }
  if (view.returning.length > 0) {
    const names = view.returning.map(({ name, now }) => `${name} (${now ?? 'nowhere'})`).join(', ');
    lines.push(...wrap(`to return: ${names}`, layout.columns));
  }
  return lines.join('\n');
}

function headline(view: MaintenanceView): string {
  const { node, cordoned, evacuation, downtime } = view;
  const parts: string[] = [];
  if (evacuation !== null) {
    const by = evacuation.by === null ? '' : ` by ${evacuation.by}`;
    const why = evacuation.reason === null ? '' : `: ${evacuation.reason}`;
    parts.push(`${evacuation.kind} since ${evacuation.since}${by}${why}`, progressText(view));
    if (evacuation.deadline !== null) parts.push(`until ${evacuation.deadline}`);
  }
  if (downtime !== null) {
    const verb = downtime.kind === 'reboot' ? 'reboots' : 'shuts down';
    parts.push(`${verb} (${downtime.policy})`);
  }
  if (cordoned) parts.push('cordoned');
  if (parts.length === 0) parts.push('takes VMs');
  return `node ${node}: ${parts.join('; ')}`;
}

/** How far it is, in a line: `[####----] 2 VMs left, 1 moving, about 20s of copying`. */
export function progressText({ state, steps, returning, estimateMs }: MaintenanceView): string {
  const left = steps.length;
  if (left === 0 && state === 'empty') return 'empty';
  if (left === 0) return returning.length === 0 ? '' : `${counted(returning.length)} to return`;
  const moving = steps.filter((step) => step.state === 'moving').length;
  const parts = [`${counted(left)} left`, `${moving} moving`];
  if (estimateMs > 0) parts.push(`about ${formatAge(estimateMs)} of copying`);
  if (state === 'overdue') parts.push('overdue');
  return `${bar(returning.length, left)} ${parts.join(', ')}`;
}

/** What was moved away already, of all that was there. */
function bar(away: number, left: number): string {
  const width = 20;
  const full = Math.round((width * away) / Math.max(1, away + left));
  return `[${'#'.repeat(full)}${'-'.repeat(width - full)}]`;
}

function counted(vms: number): string {
  return vms === 1 ? '1 VM' : `${vms} VMs`;
}
