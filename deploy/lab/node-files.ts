import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodePorts } from './fabric.ts';
import type { LabBook } from './lab-book.ts';
import type { LabLayout } from './layout.ts';
import {
  derivedUuid,
  managerAddress,
  managerName,
  nodeAddress,
  nodeDirectory,
  nodeName,
  nodeNamespace,
} from './layout.ts';
import { writeAccountFiles } from './libvirt-account.ts';
import { writeService } from './node-services.ts';

function libvirtdConfig(layout: LabLayout, node: number): string {
  return `host_uuid = "${derivedUuid(layout, nodeName(node))}"
listen_tls = 0
listen_tcp = 1
listen_addr = "0.0.0.0"
auth_tcp = "none"
auth_unix_ro = "none"
auth_unix_rw = "none"
max_clients = 200
keepalive_interval = 2
keepalive_count = 3
`;
}

/** Nothing of the machine beneath: no cgroup controllers, no labels, no ownership changes. */
const qemuConfig = `user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
security_default_confined = 0
namespaces = [ ]
cgroup_controllers = [ ]
keepalive_interval = 2
keepalive_count = 3
`;

function hosts(book: LabBook): string {
  const { nodes, managers } = book.record();
  const lines = ['127.0.0.1 localhost'];
  for (let node = 1; node <= nodes; node += 1) {
    lines.push(`${nodeAddress(book.layout, node)} ${nodeName(node)}`);
  }
  for (let manager = 1; manager <= managers; manager += 1) {
    lines.push(`${managerAddress(book.layout, manager)} ${managerName(manager)}`);
  }
  return `${lines.join('\n')}\n`;
}

function machineEnv(layout: LabLayout, node: number, group: string): string {
  const ports = nodePorts(layout, node).map(
    ({ port, bridge, interface: name, mac, cidr, network }) =>
      `  '${port} ${bridge} ${name} ${mac} ${cidr} ${network}'`,
  );
  return `HOST_NAME=${nodeName(node)}
LAB_DIRECTORY=${layout.directory}
FABRIC=${layout.fabricNamespace}
NAMESPACE=${nodeNamespace(layout, node)}
GROUP=${group}
PORTS=(
${ports.join('\n')}
)
`;
}

/** Writes all that a node needs before it is switched on. Safe to repeat on a running node. */
export function writeNodeFiles(book: LabBook, node: number, group: string): void {
  const { layout } = book;
  const directory = nodeDirectory(layout, node);
  for (const name of ['etc', 'lib', 'log/libvirt', 'cache', 'run', 'services']) {
    mkdirSync(join(directory, name), { recursive: true });
  }
  const write = (name: string, text: string): void => {
    writeFileSync(join(directory, name), text);
  };
  write('machine.env', machineEnv(layout, node, group));
  write('hosts', hosts(book));
  writeAccountFiles(directory);
  write('machine-id', `${derivedUuid(layout, `machine ${node}`).replaceAll('-', '')}\n`);
  write('etc/libvirtd.conf', libvirtdConfig(layout, node));
  write('etc/qemu.conf', qemuConfig);
  writeService(directory, { name: 'virtlogd', argv: ['virtlogd', '--timeout', '0'], env: {} });
  writeService(directory, {
    name: 'libvirtd',
    argv: ['libvirtd', '--listen', '--timeout', '0'],
    env: {},
  });
}
