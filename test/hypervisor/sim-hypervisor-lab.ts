import { SimHypervisor } from '../../chaos/sim/hypervisor.ts';
import { SimHost } from '../../chaos/sim/sim-host.ts';
import type { HypervisorLab } from './conformance.ts';
import { tinySpec, tinyXml } from './tiny-vm.ts';
import { VirtualTime } from './virtual-time.ts';

/** The simulated hypervisor in virtual time. */
export async function simHypervisorLab(): Promise<HypervisorLab> {
  const time = new VirtualTime();
  const host = new SimHost({ timers: time.timers, capacity: { memoryMiB: 4096, vcpus: 4 } });
  const domain = (vm: string) => {
    const found = host.domains().find((each) => each.vm === vm);
    if (found === undefined) throw new Error(`no domain ${vm}`);
    return found;
  };
  return {
    connect: () => {
      const hypervisor = new SimHypervisor({ env: time.env(), host });
      hypervisor.open();
      return hypervisor;
    },
    settle: (promise) => time.settle(promise),
    spec: tinySpec,
    xml: tinyXml,
    crash: async (vm) => host.crash(vm),
    save: async (vm) => {
      host.guestShutdown(vm);
      domain(vm).savedState = true;
    },
    setAutostart: async (vm) => {
      domain(vm).autostart = true;
    },
    autostart: async (vm) => domain(vm).autostart,
    storedToken: async (vm) => String(domain(vm).stored?.permit?.token ?? null),
    run: async (vm) => String(domain(vm).boots),
    close: async () => host.powerOff(),
  };
}
