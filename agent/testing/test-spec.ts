import type { AgentCommand } from '../../src/api/schema/session.ts';

/** The smallest spec that the wire accepts. */
export function testSpec(name: string): Extract<AgentCommand, { kind: 'start' }>['spec'] {
  return {
    name,
    vcpus: 1,
    memoryMiB: 64,
    disks: [],
    interfaces: [],
    priority: 'medium',
    definition: { kind: 'typed', machine: null, emulated: true },
    consoleLog: null,
    separateFrom: [],
    nodes: [],
    limits: { restarts: 2, relocations: 2 },
  };
}
