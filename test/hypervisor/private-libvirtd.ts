import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { promisify } from 'node:util';
import { writeAccountFiles } from '../../deploy/lab/libvirt-account.ts';

const run = promisify(execFile);

const tools = [
  '/usr/sbin/libvirtd',
  '/usr/bin/virsh',
  '/usr/bin/qemu-system-x86_64',
  '/usr/bin/unshare',
];

/** Why a private libvirtd cannot run here, or null. */
export function missingForLibvirtd(): string | null {
  if (process.getuid?.() !== 0) return 'needs root';
  const missing = tools.filter((tool) => !existsSync(tool));
  return missing.length === 0 ? null : `needs ${missing.join(', ')}`;
}

/** Waits until `check` holds; throws with `what` when it does not within `deadlineMs`. */
export async function until(
  what: string,
  deadlineMs: number,
  check: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await after(20);
  }
}

const libvirtdConf = (uuid: string): string => `
host_uuid = "${uuid}"
listen_tls = 0
listen_tcp = 0
auth_unix_rw = "none"
auth_unix_ro = "none"
`;

const qemuConf = `
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
security_default_confined = 0
namespaces = [ ]
cgroup_controllers = [ ]
stdio_handler = "file"
`;

// First process of the namespaces: takes one command a line and ends, with everything in its
// namespace, when the test's end of the pipe closes.
const init = (root: string): string => `
set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir -p /run/libvirt
mount --bind ${root}/run /run/libvirt
for name in etc lib log cache; do
  case $name in etc) at=/etc/libvirt ;; *) at=/var/$name/libvirt ;; esac
  mkdir -p $at
  mount --bind ${root}/$name $at
done
for name in passwd group; do mount --bind ${root}/$name /etc/$name; done
mkdir -p /var/lib/libvirt/qemu/save /var/lib/libvirt/images
set +e
while read -r command; do
  if [ "$command" = libvirtd ]; then libvirtd --timeout 0 </dev/null & fi
done
`;

interface Member {
  readonly pid: number;
  readonly name: string;
}

/**
 * A libvirtd of its own in private mount, pid, net, ipc and uts namespaces, with its sockets,
 * settings and state below one temporary directory. Nothing of the machine's libvirt is touched.
 */
export class PrivateLibvirtd {
  readonly root: string;
  readonly #unshare: ChildProcess;

  private constructor(root: string, unshare: ChildProcess) {
    this.root = root;
    this.#unshare = unshare;
  }

  static async start(): Promise<PrivateLibvirtd> {
    const root = mkdtempSync(join(tmpdir(), 'klv-'));
    for (const name of ['run', 'etc/qemu', 'lib', 'log', 'cache', 'disks']) {
      mkdirSync(join(root, name), { recursive: true });
    }
    writeFileSync(join(root, 'etc/libvirtd.conf'), libvirtdConf(crypto.randomUUID()));
    writeFileSync(join(root, 'etc/qemu.conf'), qemuConf);
    writeFileSync(join(root, 'init.sh'), init(root));
    writeAccountFiles(root);
    const unshare = spawn(
      'unshare',
      `--mount --pid --net --ipc --uts --fork --kill-child=KILL --propagation private bash`
        .split(' ')
        .concat(join(root, 'init.sh')),
      { stdio: ['pipe', 'ignore', 'ignore'] },
    );
    const daemon = new PrivateLibvirtd(root, unshare);
    try {
      await daemon.startDaemon();
    } catch (error) {
      await daemon.stop();
      throw error;
    }
    return daemon;
  }

  get socket(): string {
    return join(this.root, 'run/libvirt-sock');
  }

  /** Starts libvirtd and waits until its socket takes connections. */
  async startDaemon(): Promise<void> {
    this.#unshare.stdin?.write('libvirtd\n');
    await until('libvirtd takes connections', 20_000, () => accepts(this.socket));
  }

  /** Sends a signal to every process of the namespace with this command name. */
  signal(name: string, signal: NodeJS.Signals): number {
    const members = this.members().filter((member) => member.name === name);
    for (const member of members) process.kill(member.pid, signal);
    return members.length;
  }

  /** The processes inside the pid namespace. */
  members(): readonly Member[] {
    const first = this.#firstInside();
    if (first === null) return [];
    const namespace = readlinkSync(`/proc/${first}/ns/pid`);
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .flatMap((entry) => {
        try {
          if (readlinkSync(`/proc/${entry}/ns/pid`) !== namespace) return [];
          const name = readFileSync(`/proc/${entry}/comm`, 'utf8').trim();
          return [{ pid: Number(entry), name }];
        } catch {
          return []; // It ended while we looked.
        }
      });
  }

  /** Runs virsh against it; the oracle of the tests. Output without the blank lines at its end. */
  async virsh(...words: string[]): Promise<string> {
    const uri = `qemu:///system?socket=${this.socket}`;
    const { stdout } = await run('virsh', ['-q', '-c', uri, ...words], { timeout: 20_000 });
    return stdout.trimEnd();
  }

  /** Ends everything inside and removes the directory. */
  async stop(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      if (this.#unshare.exitCode !== null || this.#unshare.signalCode !== null) resolve();
      else this.#unshare.once('exit', () => resolve());
    });
    const inside = this.members();
    this.#unshare.kill('SIGKILL');
    await ended;
    await until('the namespace is empty', 20_000, () => inside.every(({ pid }) => !lives(pid)));
    rmSync(this.root, { recursive: true, force: true });
  }

  #firstInside(): number | null {
    const { pid } = this.#unshare;
    if (pid === undefined) return null;
    try {
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
      return children === '' ? null : Number(children.split(' ')[0]);
    } catch {
      return null;
    }
  }
}

function lives(pid: number): boolean {
  return existsSync(`/proc/${pid}/exe`) && !/^State:\tZ/m.test(status(pid));
}

function status(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return 'State:\tZ';
  }
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
