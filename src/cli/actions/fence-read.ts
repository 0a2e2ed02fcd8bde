import type { NodeView } from '../../api/schema/views.ts';
import { KennelError } from '../../errors/kennel-error.ts';
import { valueOf, withClient } from '../action.ts';
import type { Client } from '../../client/client.ts';
import type { Call } from '../command.ts';
import { splitDevice } from '../device-name.ts';
import { print } from '../output.ts';
import { renderBudget, renderDevice, renderDeviceTable, renderDrivers } from '../render/fence.ts';

async function nodesOf(client: Client, node: string | null): Promise<readonly NodeView[]> {
  return node === null ? valueOf(await client.nodes()) : [valueOf(await client.node(node))];
}

export async function listDevices(call: Call, node: string | null): Promise<number> {
  return withClient(call, async (client) => {
    const nodes = await nodesOf(client, node);
    const devices = nodes.flatMap(({ fenceDevices }) => fenceDevices);
    await print(call, devices, (layout) =>
      [
        ...(devices.length === 0 ? [] : renderDeviceTable(devices, layout)),
        ...nodes
          .filter(({ fenceDevices }) => fenceDevices.length === 0)
          .map(({ name }) => `${name}: no fence device (kennel fence add ${name}/bmc --driver …)`),
      ].join('\n'),
    );
    return 0;
  });
}

export async function showDevice(call: Call, name: string): Promise<number> {
  const { node } = splitDevice(name);
  return withClient(call, async (client) => {
    const { fenceDevices } = valueOf(await client.node(node));
    const device = fenceDevices.find(({ id }) => id === name);
    if (device === undefined) {
      throw new KennelError({
        code: 'E_NOT_FOUND',
        what: `there is no fence device ${name}`,
        because: `${node} has ${fenceDevices.map(({ id }) => id).join(', ') || 'none'}`,
        so: 'nothing can be shown',
        try: [`kennel fence ls ${node}`],
      });
    }
    await print(call, device, (layout) => renderDevice(device, layout));
    return 0;
  });
}

export async function listDrivers(call: Call, kind: string | null): Promise<number> {
  return withClient(call, async (client) => {
    const all = valueOf(await client.fenceDrivers());
    const drivers = all.filter((driver) => kind === null || driver.kind === kind);
    if (drivers.length === 0) {
      throw new KennelError({
        code: 'E_NOT_FOUND',
        what: `there is no driver ${kind}`,
        because: `there are ${all.map((driver) => driver.kind).join(', ')}`,
        so: 'nothing can be shown',
        try: ['kennel fence drivers'],
      });
    }
    await print(call, drivers, () => renderDrivers(drivers));
    return 0;
  });
}

export async function showBudgets(call: Call, node: string | null): Promise<number> {
  return withClient(call, async (client) => {
    const nodes = await nodesOf(client, node);
    const budgets = nodes.map(({ name, budget }) => ({ node: name, ...budget }));
    await print(call, budgets, () =>
      budgets
        .map((budget) =>
          [budget.node, ...renderBudget(budget).map((line) => `  ${line}`)].join('\n'),
        )
        .join('\n'),
    );
    return 0;
  });
}
