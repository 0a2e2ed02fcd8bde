import { readFileSync } from 'node:fs';
import { LibvirtHypervisor } from '../../agent/libvirt/libvirt-hypervisor.ts';
import { parsePermit, permitNamespace } from '../../agent/libvirt/permit-metadata.ts';
import { dialUnix } from '../../agent/libvirt/unix-transport.ts';
import type { VmId } from '../../src/core/model/ids.ts';
import type { HypervisorLab } from './conformance.ts';
import { PrivateLibvirtd, until } from './private-libvirtd.ts';
import { realTimeEnv } from './test-env.ts';
import { tinySpec, tinyXml } from './tiny-vm.ts';

/** Process id, in the outer namespace, of the QEMU that runs this VM. */
export function qemuOf(daemon: PrivateLibvirtd, vm: VmId): number {
  const found = daemon.members().find(({ pid, name }) => {
    if (!name.startsWith('qemu-system')) return false;
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(vm);
  });
  if (found === undefined) throw new Error(`no QEMU of ${vm}`);
  return found.pid;
}

export function storedToken(daemon: PrivateLibvirtd, vm: VmId): Promise<string | null> {
  return daemon.virsh('metadata', vm, '--config', permitNamespace).then(
    (text) => String(parsePermit(text)?.token ?? 'unreadable'),
    () => null,
  );
}

/** The libvirt client on a private libvirtd, with virsh as the oracle. */
export async function realLibvirtdLab(): Promise<HypervisorLab> {
  const daemon = await PrivateLibvirtd.start();
  return {
    connect: () => {
      const hypervisor = new LibvirtHypervisor({
        env: realTimeEnv(),
        dial: dialUnix(daemon.socket),
        // What is done is tested here, not how fast a busy test machine does it.
        deadlines: { readMs: 15_000, changeMs: 30_000, bootWithinMs: 60_000 },
      });
      hypervisor.open();
      return hypervisor;
    },
    settle: (promise) => promise,
    spec: tinySpec,
    xml: tinyXml,
    crash: async (vm) => {
      process.kill(qemuOf(daemon, vm), 'SIGKILL');
      await until('libvirt noticed', 10_000, async () =>
        (await daemon.virsh('domstate', vm)).startsWith('shut off'),
      );
    },
    save: async (vm) => {
      await daemon.virsh('managedsave', vm);
    },
    setAutostart: async (vm) => {
      await daemon.virsh('autostart', vm);
    },
    autostart: async (vm) => /^Autostart:\s+enable/m.test(await daemon.virsh('dominfo', vm)),
    storedToken: (vm) => storedToken(daemon, vm),
    run: (vm) => daemon.virsh('domid', vm),
    close: () => daemon.stop(),
  };
}
