import type { LabStatus } from './lab.ts';

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function services(node: LabStatus['nodes'][number]): string {
  return Object.entries(node.services)
    .map(([name, state]) => (state === 'running' ? name : `${name} ${state}`))
    .join(', ');
}

function power({ power: state, cut, cpuShare }: LabStatus['nodes'][number]): string {
  const starved = cpuShare === null ? '' : `, ${Math.round(cpuShare * 100)}% CPU`;
  return `${state}${cut.length === 0 ? '' : `, cut: ${cut.join(' ')}`}${starved}`;
}

function bmc(node: LabStatus['nodes'][number]): string {
  const { state, fault, wiredTo } = node.bmc;
  const cable = wiredTo === Number(node.name.slice('node-'.length)) ? '' : ` of node-${wiredTo}`;
  return `BMC${cable} ${state === 'running' ? fault : state}`;
}

/** How the cluster on the lab does, as far as its processes tell. */
function kennel(status: LabStatus): readonly string[] {
  if (status.kennelConfig === null) return ['kennel: not on this lab; `kennel lab up` adds it'];
  const managers = status.managers.map(
    ({ name }) => status.processes.find((process) => process.name === name)?.state ?? 'dead',
  );
  const [first = 'dead'] = managers;
  const running = managers.filter((state) => state === 'running').length;
  const words =
    managers.length === 1 ? `manager ${first}` : `${running} of ${managers.length} managers run`;
  const agents = status.nodes.filter((node) => node.services['agent'] === 'running').length;
  return [
    `kennel: ${words}, ${agents} of ${status.nodes.length} agents run`,
    `  export KENNEL_CONFIG=${status.kennelConfig}`,
  ];
}

/** The state of a lab for people; fits a terminal of 80 columns while the names are short. */
export function describeStatus(status: LabStatus): string {
  if (!status.up) return `no lab in ${status.directory}\n  try: kennel lab up`;
  const nodes = status.nodes.map((node) => [
    node.name,
    node.address,
    power(node),
    bmc(node),
    services(node),
  ]);
  const managers = status.managers.map((manager) => [
    manager.name,
    manager.address,
    manager.cut ? 'cut' : 'place',
  ]);
  const processes = status.processes.map((process) => [
    process.name,
    process.state,
    process.pid === null ? '' : `pid ${process.pid}`,
  ]);
  const [firstDisk] = status.disks;
  const disks =
    firstDisk === undefined
      ? 'no disks'
      : `${status.disks.length} disks at nbd://${firstDisk.source.host}:${firstDisk.source.port}`;
  const indent = (line: string): string => `  ${line}`;
  return [
    `lab ${status.id} in ${status.directory}, ${disks}`,
    ...table([...nodes, ...managers]).map(indent),
    'processes',
    ...table(processes).map(indent),
    ...kennel(status),
  ].join('\n');
}
