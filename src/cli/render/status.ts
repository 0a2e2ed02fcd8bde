import stringWidth from 'string-width';
import type { Finding, NodeView, StatusView, VmView } from '../../api/schema/views.ts';
import { wrap } from './columns.ts';
import type { Layout } from './layout.ts';
import { renderNodeTable } from './node.ts';
import { countStates, isNodeWell, isVmWell, nodeStateText } from './states.ts';
import { renderVmTable } from './vm.ts';

/**
 * The whole cluster on one screen: what it is, what is wrong and which command fixes it, the
 * nodes, the VMs. When that is more than `layout.rows`, what is well is left out and counted.
 */
export function renderStatus(view: StatusView, layout: Layout): string {
  const head = [...headerLines(view, layout), ...renderFindings(view.findings, layout)];
  const full = [...head, ...nodeLines(view.nodes, layout), ...vmLines(view.vms, layout)];
  // One line is for the prompt of the shell.
  if (full.length < layout.rows) return full.join('\n');
  const fewerVms = [
    ...head,
    ...nodeLines(view.nodes, layout),
    ...vmLines(view.vms.filter(not(isVmWell)), layout),
    ...leftOut(view.vms.filter(isVmWell).length, 'VM', 'vm ls'),
  ];
  if (fewerVms.length < layout.rows) return fewerVms.join('\n');
  return [
    ...head,
    ...nodeLines(view.nodes.filter(not(isNodeWell)), layout),
    ...leftOut(view.nodes.filter(isNodeWell).length, 'node', 'node ls'),
    ...vmLines(view.vms.filter(not(isVmWell)), layout),
    ...leftOut(view.vms.filter(isVmWell).length, 'VM', 'vm ls'),
  ].join('\n');
}

function not<T>(test: (value: T) => boolean): (value: T) => boolean {
  return (value) => !test(value);
}

function leftOut(count: number, noun: string, command: string): string[] {
  if (count === 0) return [];
  const what = count === 1 ? `1 more ${noun} is` : `${count} more ${noun}s are`;
  return [`… ${what} as wanted: kennel ${command}`];
}

function headerLines(view: StatusView, layout: Layout): string[] {
  const healthyManagers = view.managers.filter((manager) => manager.healthy).length;
  const leader = view.leader === null ? 'no leader' : `leader ${view.leader}`;
  const segments = [
    `cluster ${layout.paint.bold(view.clusterName)}`,
    healthText(view, layout),
    `managers ${healthyManagers}/${view.managers.length}`,
    `${leader} (epoch ${view.epoch})`,
    `revision ${view.revision}`,
  ];
  return [
    ...joined(segments, layout),
    ...joined(['nodes', ...countStates(view.nodes.map(nodeStateText))], layout),
    ...joined(['vms  ', ...countStates(view.vms.map((vm) => vm.state))], layout),
  ];
}

/** Segments with two blanks between them, on as many lines as it takes. */
function joined(segments: readonly string[], layout: Layout): string[] {
  const lines: string[] = [];
  let line = '';
  for (const segment of segments) {
    const longer = line === '' ? segment : `${line}  ${segment}`;
    if (line !== '' && stringWidth(longer) > layout.columns) {
      lines.push(line);
      line = `       ${segment}`;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}

function healthText(view: StatusView, layout: Layout): string {
  switch (view.health) {
    case 'healthy':
      return layout.paint.good('healthy');
    case 'degraded':
      return layout.paint.warning('degraded');
    case 'noQuorum':
      return layout.paint.critical('no quorum');
    default:
      return view.health satisfies never;
  }
}

/** `!!` marks what is critical, `!` a warning; each with the commands that fix it. */
function renderFindings(findings: readonly Finding[], layout: Layout): string[] {
  const ordered = [
    ...findings.filter((finding) => finding.severity === 'critical'),
    ...findings.filter((finding) => finding.severity === 'warning'),
  ];
  const width = Math.max(0, ...findings.map((finding) => finding.code.length));
  return ordered.flatMap((finding) => renderFinding(finding, width, layout));
}

function renderFinding(finding: Finding, codeWidth: number, layout: Layout): string[] {
  const isCritical = finding.severity === 'critical';
  const paint = isCritical ? layout.paint.critical : layout.paint.warning;
  const indent = ' '.repeat(codeWidth + 5);
  const subject = finding.subject === '' ? '' : `${finding.subject}: `;
  const columns = Math.min(layout.columns, 120);
  const [first = '', ...rest] = wrap(subject + finding.text, columns - indent.length);
  const mark = `${isCritical ? '!!' : '! '} ${finding.code.padEnd(codeWidth)}`;
  return [
    `${paint(mark)}  ${first}`,
    ...rest.map((line) => indent + line),
    ...finding.try.map((step, index) => `${indent}${index === 0 ? 'try:' : '  or'} ${step}`),
  ];
}

function nodeLines(nodes: readonly NodeView[], layout: Layout): string[] {
  return nodes.length === 0 ? [] : renderNodeTable(nodes, layout);
}

function vmLines(vms: readonly VmView[], layout: Layout): string[] {
  return vms.length === 0 ? [] : renderVmTable(vms, layout);
}
