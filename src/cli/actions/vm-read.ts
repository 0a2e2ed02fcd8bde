import { valueOf, withClient } from '../action.ts';
import type { Call } from '../command.ts';
import { print } from '../output.ts';
import { renderVm } from '../render/vm.ts';

export async function showVm(call: Call, name: string): Promise<number> {
  return withClient(call, async (client) => {
    const vm = valueOf(await client.vm(name));
    await print(call, vm, (layout) => renderVm(vm, layout));
    return 0;
  });
}
