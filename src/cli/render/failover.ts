import type { FailoverView } from '../../api/schema/views.ts';
import { formatAge } from '../duration.ts';
import { renderColumns, wrap } from './columns.ts';
import type { Cell } from './columns.ts';
import { isoToMs, timeOfDay } from './iso-time.ts';
import type { Layout } from './layout.ts';
import { plainLayout } from './layout.ts';
import { proofText } from './proof.ts';

interface Step {
  readonly at: string;
  readonly text: string;
  /** Continuation under the step, for example why a node was chosen. */
  readonly detail: string | null;
}

/**
 * The timeline of one failover for people: each step with its time after the last sign of life
 * (or after the detection where nothing was ever heard), and how long each VM was away.
 */
export function formatFailover(view: FailoverView, layout: Layout = plainLayout): string {
  const zero = isoToMs(view.lastSeenAt ?? view.detectedAt);
  const lines = [headline(view, zero, layout), ''];
  const steps = collectSteps(view);
  const offsets = steps.map((step) => offsetText(step.at, zero));
  const width = Math.max(0, ...offsets.map((offset) => offset.length));
  for (const [index, step] of steps.entries()) {
    const left = `${timeOfDay(step.at)}  ${(offsets[index] ?? '').padStart(width)}  `;
    const room = layout.columns - left.length;
    const [first = '', ...rest] = wrap(step.text, room);
    const indent = ' '.repeat(left.length);
    lines.push(left + first, ...rest.map((line) => `${indent}${line}`));
    if (step.detail !== null) {
      lines.push(...wrap(step.detail, room - 2).map((line) => `${indent}  ${line}`));
    }
  }
  const table = vmTable(view, zero, layout);
  if (table.length > 0) lines.push('', ...table);
  lines.push('', sealLine(view));
  return lines.join('\n');
}

function headline(view: FailoverView, zero: number | null, layout: Layout): string {
  const closed = view.closedAt === null ? null : sinceText(view.closedAt, zero);
  const took = closed === null ? '' : ` after ${closed}`;
  const paint = view.outcome === 'completed' ? layout.paint.good : layout.paint.warning;
  return `failover ${view.id}   node ${view.node}   fence ${view.fence}   ${paint(view.outcome + took)}`;
}

function collectSteps(view: FailoverView): readonly Step[] {
  const steps: Step[] = [];
  const add = (at: string | null, text: string, detail: string | null = null): void => {
    if (at !== null) steps.push({ at, text, detail });
  };
  add(view.lastSeenAt, 'last sign of life');
  add(view.detectedAt, 'detected: silent for too long on enough channels');
  add(view.intentAt, `intent to fence recorded (${view.fence}); no lease is renewed from here on`);
  add(view.firstOffAt, 'first Off reading');
  const proof = view.proof === null ? 'proven dead' : `proven dead by ${proofText(view.proof)}`;
  add(view.provenAt, proof);
  for (const vm of view.vms) {
    add(vm.placedAt, `${vm.name} placed on ${vm.to ?? 'no node'}`, vm.placement);
    add(vm.startedAt, `${vm.name} started on ${vm.to ?? 'an unknown node'}`);
  }
  add(view.closedAt, closingText(view));
  // Array sort is stable: steps of one instant keep the order in which they must have happened.
  return steps.sort((a, b) => (isoToMs(a.at) ?? 0) - (isoToMs(b.at) ?? 0));
}

function closingText(view: FailoverView): string {
  switch (view.outcome) {
    case 'cancelled':
      return 'cancelled: the node showed life before the first device command';
    case 'completed':
      return 'closed: every VM is accounted for';
    case 'open':
      return 'closed';
    default:
      return view.outcome satisfies never;
  }
}

function vmTable(view: FailoverView, zero: number | null, layout: Layout): string[] {
  if (view.vms.length === 0) return [];
  return renderColumns(
    ['VM', 'FROM', 'TO', 'PLACED', 'STARTED', 'RESULT'],
    view.vms.map((vm) => [
      { text: vm.name },
      { text: vm.from },
      { text: vm.to ?? '-' },
      { text: offsetOrDash(vm.placedAt, zero), align: 'right' },
      { text: offsetOrDash(vm.startedAt, zero), align: 'right' },
      resultCell(view, vm, layout),
    ]),
    layout.columns,
  );
}

function resultCell(view: FailoverView, vm: FailoverView['vms'][number], layout: Layout): Cell {
  if (vm.failure !== null) return { text: vm.failure, paint: layout.paint.critical };
  if (vm.startedAt !== null) return { text: 'runs again', paint: layout.paint.good };
  if (view.outcome === 'cancelled') return { text: 'never moved' };
  return { text: vm.placedAt === null ? 'waits' : 'is being started', paint: layout.paint.warning };
}

function sealLine(view: FailoverView): string {
  if (view.hash === null) return 'record open, not sealed yet';
  const previous = view.previousHash === null ? 'first of its chain' : `after ${view.previousHash}`;
  return `record sealed ${view.hash}\n              ${previous}`;
}

function offsetOrDash(at: string | null, zero: number | null): string {
  return at === null ? '-' : offsetText(at, zero);
}

/** `+3012 ms`; empty when one of the times is not readable. */
function offsetText(at: string, zero: number | null): string {
  const ms = isoToMs(at);
  if (ms === null || zero === null) return '';
  const offset = ms - zero;
  return `${offset < 0 ? '-' : '+'}${Math.abs(offset)} ms`;
}

function sinceText(at: string, zero: number | null): string | null {
  const ms = isoToMs(at);
  if (ms === null || zero === null) return null;
  const passed = Math.max(ms - zero, 0);
  return passed < 100_000 ? `${passed} ms` : formatAge(passed);
}

/** The table of `failover ls`. */
export function renderFailoverTable(views: readonly FailoverView[], layout: Layout): string {
  if (views.length === 0) return 'no failover so far';
  return renderColumns(
    ['FAILOVER', 'NODE', 'OUTCOME', 'PROOF', 'VMS', 'TOOK', 'DETECTED'],
    views.map((view) => {
      const zero = isoToMs(view.lastSeenAt ?? view.detectedAt);
      const started = view.vms.filter((vm) => vm.startedAt !== null).length;
      return [
        { text: view.id },
        { text: view.node },
        { text: view.outcome },
        { text: view.proof?.kind ?? '-' },
        { text: `${started}/${view.vms.length}`, align: 'right' },
        { text: view.closedAt === null ? '-' : (sinceText(view.closedAt, zero) ?? '-') },
        { text: view.detectedAt },
      ];
    }),
    layout.columns,
  ).join('\n');
}
