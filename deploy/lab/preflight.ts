import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { delimiter, join } from 'node:path';
import { controlGroupMount } from './control-group.ts';
import { toolPath } from './tool-path.ts';

/** One thing that the lab needs and this machine lacks. */
export interface MissingPiece {
  readonly what: string;
  readonly because: string;
  /** A command, or what else helps. */
  readonly try: string;
}

/** What preflight asks of the machine; tests answer in its place. */
export interface MachineView {
  readonly platform: string;
  readonly root: boolean;
  readonly controlGroup: 'writable' | 'readOnly' | 'absent';
  /** `cgroup.kill` needs Linux 5.14. */
  readonly controlGroupKill: boolean;
  has(program: string): boolean;
}

const programs: readonly { program: string; because: string; packages: string }[] = [
  { program: 'bash', because: 'the scripts of the nodes are bash', packages: 'bash' },
  { program: 'ip', because: 'it makes the network namespaces', packages: 'iproute2' },
  { program: 'nft', because: 'it makes a BMC unreachable', packages: 'nftables' },
  { program: 'nsenter', because: 'it enters the namespaces', packages: 'util-linux' },
  { program: 'unshare', because: 'it makes the namespaces', packages: 'util-linux' },
  { program: 'flock', because: 'it guards the power switch of a node', packages: 'util-linux' },
  { program: 'mount', because: 'every node has its own mounts', packages: 'mount' },
  { program: 'libvirtd', because: 'every node runs one', packages: 'libvirt-daemon' },
  { program: 'virtlogd', because: 'every node runs one', packages: 'libvirt-daemon' },
  { program: 'virsh', because: 'libvirtd is asked with it', packages: 'libvirt-clients' },
  {
    program: 'qemu-system-x86_64',
    because: 'the VMs run in it',
    packages: 'qemu-system-x86',
  },
  {
    program: 'qemu-storage-daemon',
    because: 'it serves the shared disks',
    packages: 'qemu-system-common',
  },
  { program: 'ipmi_sim', because: 'every node has a BMC', packages: 'openipmi' },
  { program: 'ipmitool', because: 'fencing talks to the BMCs with it', packages: 'ipmitool' },
  { program: 'strace', because: 'it makes a disk slow', packages: 'strace' },
  { program: 'python3', because: 'it delays packets', packages: 'python3' },
  { program: 'as', because: 'it assembles the guest', packages: 'binutils' },
  { program: 'ld', because: 'it links the guest', packages: 'binutils' },
];

function onPath(program: string): boolean {
  return toolPath()
    .split(delimiter)
    .some((directory) => {
      const path = join(directory, program);
      return allowed(path, constants.X_OK) && statSync(path).isFile();
    });
}

function allowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** This machine as it is. */
export function machineView(): MachineView {
  const mount = process.platform === 'linux' ? controlGroupMount() : null;
  return {
    platform: process.platform,
    root: process.getuid?.() === 0,
    controlGroup:
      mount === null ? 'absent' : allowed(mount, constants.W_OK) ? 'writable' : 'readOnly',
    controlGroupKill: mount !== null && childrenHaveKill(mount),
    has: onPath,
  };
}

/** The root group has no such file, its children do. */
function childrenHaveKill(mount: string): boolean {
  if (existsSync(join(mount, 'cgroup.kill'))) return true;
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major > 5 || (major === 5 && minor >= 14);
}

/** Says what is missing for a lab, all of it at once; empty when nothing is. */
export function preflight(machine: MachineView): readonly MissingPiece[] {
  const missing: MissingPiece[] = [];
  const need = (ok: boolean, what: string, because: string, advice: string): void => {
    if (!ok) missing.push({ what, because, try: advice });
  };
  if (machine.platform !== 'linux') {
    need(false, 'Linux', 'a lab is made of namespaces', 'use a Linux machine or VM');
    return missing;
  }
  need(machine.root, 'root', 'namespaces and control groups need it', 'sudo');
  need(
    machine.controlGroup !== 'absent',
    'cgroup v2',
    'a node is frozen and killed through its control group',
    'mount -t cgroup2 none /sys/fs/cgroup/unified',
  );
  need(
    machine.controlGroup !== 'readOnly' || !machine.root,
    'a writable cgroup v2',
    'a node is frozen and killed through its control group',
    'run it outside the container, or in a privileged one',
  );
  need(
    machine.controlGroup === 'absent' || machine.controlGroupKill,
    'cgroup.kill',
    'a node dies in one step, which needs Linux 5.14',
    'use a newer kernel',
  );
  for (const { program, because, packages } of programs) {
    need(machine.has(program), program, because, `apt-get install ${packages}`);
  }
  return missing;
}
