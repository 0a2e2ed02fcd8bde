import { FakeLibvirtd } from '../../agent/libvirt/fake/fake-libvirtd.ts';
import { parsePermit, permitNamespace } from '../../agent/libvirt/permit-metadata.ts';
import { LibvirtHypervisor } from '../../agent/libvirt/libvirt-hypervisor.ts';
import type { HypervisorLab } from './conformance.ts';
import { tinySpec, tinyXml } from './tiny-vm.ts';
import { VirtualTime } from './virtual-time.ts';

/** The libvirt client on the fake libvirtd, in memory and in virtual time. */
export async function fakeLibvirtdLab(): Promise<HypervisorLab> {
  const time = new VirtualTime();
  const daemon = new FakeLibvirtd(time.timers);
  const domain = (vm: string) => daemon.host.find(vm);
  return {
    connect: () => {
      const hypervisor = new LibvirtHypervisor({ env: time.env(), dial: daemon.dial });
      hypervisor.open();
      return hypervisor;
    },
    settle: (promise) => time.settle(promise),
    spec: tinySpec,
    xml: tinyXml,
    crash: async (vm) => {
      daemon.host.crash(vm);
      await time.advance(10);
    },
    save: async (vm) => {
      await time.settle(daemon.host.destroy(domain(vm)));
      domain(vm).savedState = true;
      await time.advance(10);
    },
    setAutostart: async (vm) => {
      domain(vm).autostart = true;
    },
    autostart: async (vm) => domain(vm).autostart,
    storedToken: async (vm) => {
      const text = domain(vm).stored?.metadata.get(permitNamespace);
      return text === undefined ? null : String(parsePermit(text)?.token ?? 'unreadable');
    },
    run: async (vm) => String(domain(vm).boots),
    close: async () => {
      daemon.kill();
      await time.advance(100);
    },
  };
}
