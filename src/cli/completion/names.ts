import { problemCodes } from '../../core/problem.ts';
import { valueOf } from '../action.ts';
import type { Client } from '../../client/client.ts';
import { delay } from '../delay.ts';
import type { Completes } from '../option.ts';
import type { World } from '../world.ts';
import type { Candidate } from './candidates.ts';

/** A person waits for the tab key: an unreachable cluster offers nothing, soon. */
const patienceMs = 1500;

/** The words that fit a place, asked of the cluster where they are names of it. */
export async function namesFor(
  completes: Exclude<Completes, { kind: 'file' }>,
  world: World,
  configFile: string | null,
): Promise<readonly Candidate[]> {
  switch (completes.kind) {
    case 'nothing':
      return [];
    case 'words':
      return completes.words.map((word) => ({ word, summary: '' }));
    case 'node':
      return ask(world, configFile, nodeNames);
    case 'fenceDevice':
      return ask(world, configFile, fenceDeviceNames);
    case 'manager':
      return ask(world, configFile, managerNames);
    case 'vm':
      return ask(world, configFile, vmNames);
    case 'failover':
      return ask(world, configFile, failoverNames);
    case 'topic': {
      const names = ask(world, configFile, async (client) => [
        ...(await nodeNames(client)),
        ...(await vmNames(client)),
        ...(await failoverNames(client)),
      ]);
      return [...(await names), ...codeNames()];
    }
    default:
      return completes satisfies never;
  }
}

async function ask(
  world: World,
  configFile: string | null,
  use: (client: Client) => Promise<readonly Candidate[]>,
): Promise<readonly Candidate[]> {
  const { timers } = await world.env();
  const tooLate = delay(timers, patienceMs).then(() => []);
  const answer = async (): Promise<readonly Candidate[]> => {
    const client = valueOf(await world.connect(configFile));
    try {
      return await use(client);
    } finally {
      await client.close();
    }
  };
  return Promise.race([answer().catch(() => []), tooLate]);
}

async function nodeNames(client: Client): Promise<readonly Candidate[]> {
  const nodes = valueOf(await client.nodes());
  return nodes.map((node) => ({ word: node.name, summary: `node, ${node.state}` }));
}

async function fenceDeviceNames(client: Client): Promise<readonly Candidate[]> {
  const nodes = valueOf(await client.nodes());
  return nodes.flatMap((node) =>
    node.fenceDevices.map(({ id, driver }) => ({ word: id, summary: `${driver} device` })),
  );
}

async function managerNames(client: Client): Promise<readonly Candidate[]> {
  const { managers } = valueOf(await client.managers());
  return managers.map(({ name, role }) => ({ word: name, summary: `manager, ${role}` }));
}

async function vmNames(client: Client): Promise<readonly Candidate[]> {
  const vms = valueOf(await client.vms());
  return vms.map((vm) => ({ word: vm.name, summary: `VM, ${vm.state}` }));
}

async function failoverNames(client: Client): Promise<readonly Candidate[]> {
  const failovers = valueOf(await client.failovers());
  return failovers.map((view) => ({ word: view.id, summary: `${view.node}, ${view.outcome}` }));
}

function codeNames(): readonly Candidate[] {
  return Object.entries(problemCodes).map(([word, summary]) => ({ word, summary }));
}
