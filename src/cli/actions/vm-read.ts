import { valueOf, withClient } from '../action.ts';
import type { Call } from '../command.ts';
import { print } from '../output.ts';
import { renderVm, renderVmTable } from '../render/vm.ts';

export async function listVms(call: Call): Promise<number> {
  return withClient(call, async (client) => {
    const vms = valueOf(await client.vms());
    await print(call, vms, (layout) =>
      vms.length === 0
        ? 'no VMs yet: kennel vm create -f FILE'
        : renderVmTable(vms, layout).join('\n'),
    );
    return 0;
  });
}

export async function showVm(call: Call, name: string): Promise<number> {
  return withClient(call, async (client) => {
    const vm = valueOf(await client.vm(name));
    await print(call, vm, (layout) => renderVm(vm, layout));
    return 0;
  });
}
