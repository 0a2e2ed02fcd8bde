import { changeOptions } from '../change-options.ts';
import { command } from '../command.ts';
import type { Noun } from '../command.ts';
import { clone, rename } from './vm-identity.ts';
import { consoleCommand, screenshot } from './vm-look.ts';
import { ls } from './vm-ls.ts';
import { actCommands, restart } from './vm-act.ts';
import { lock, unlock } from './vm-lock.ts';
import { migrate, relocate } from './vm-move.ts';
import { snapshot } from './vm-snapshot.ts';
import { flag, repeatedText, requiredText, text } from '../option.ts';

const vm = { summary: 'name or UUID of the VM', completes: { kind: 'vm' } } as const;

const show = command({
  name: 'show',
  summary: 'one VM in full',
  arguments: { vm },
  options: {},
  examples: ['kennel vm show db-1', 'kennel vm show db-1 -o yaml'],
  run: async (call) => (await import('../actions/vm-read.ts')).showVm(call, call.arguments.vm),
});

const create = command({
  name: 'create',
  summary: 'create VMs from a file',
  description: [
    'The file is YAML as described in docs/vm-spec.md, several documents create several VMs, or the XML of one libvirt domain. The whole file is checked before anything is created.',
    'A disk file of a domain XML counts as bound to one node unless --shared-path says that every node mounts it at the same path.',
  ],
  arguments: {},
  options: {
    file: requiredText('-f, --file <file>', 'YAML or domain XML; - reads standard input', {
      completes: { kind: 'file' },
    }),
    sharedPath: repeatedText(
      '--shared-path <prefix>',
      'directory that every node mounts (only for domain XML; may be repeated)',
      { completes: { kind: 'file' } },
    ),
    node: text('--node <node>', 'start them there first, if it can take them', {
      completes: { kind: 'node' },
    }),
    ...changeOptions,
  },
  examples: [
    'kennel vm create -f db-1.yaml --wait',
    'virsh dumpxml db-1 | kennel vm create -f - --shared-path /srv/vms',
  ],
  run: async (call) => (await import('../actions/vm-create.ts')).createVms(call, call.options),
});

const edit = command({
  name: 'edit',
  summary: 'give a VM the spec of a file; says first what takes effect when',
  description: [
    'The file is as for create, and describes this one VM in full; whether it is to run stays as it is. Priority, nodes, limits and what it is kept apart from hold at once; what its domain is made from holds after its next stop or restart, and until then the room that it holds is that of what runs. A recovery or a start over on the same node is made from the old spec. With --wait it waits until nothing of the edit is left to take effect.',
  ],
  arguments: { vm },
  options: {
    file: requiredText('-f, --file <file>', 'YAML or domain XML; - reads standard input', {
      completes: { kind: 'file' },
    }),
    sharedPath: repeatedText(
      '--shared-path <prefix>',
      'directory that every node mounts (only for domain XML; may be repeated)',
      { completes: { kind: 'file' } },
    ),
    ...changeOptions,
  },
  examples: ['kennel vm edit db-1 -f db-1.yaml --dry-run', 'kennel vm edit db-1 -f db-1.yaml -y'],
  run: async (call) =>
    (await import('../actions/vm-edit.ts')).editVm(call, call.arguments.vm, call.options),
});

const start = command({
  name: 'start',
  summary: 'run a VM; also ends `failed`, `backoff` and a held wait for others at once',
  arguments: { vm },
  options: changeOptions,
  examples: ['kennel vm start db-1 --wait'],
  run: async (call) =>
    (await import('../actions/vm-change.ts')).startVm(call, call.arguments.vm, call.options),
});

const stop = command({
  name: 'stop',
  summary: 'shut a VM down',
  description: [
    'Asks the guest first. With --force the power is cut at once. A VM that is off is still recovered off a dead node; see disable.',
  ],
  arguments: { vm },
  options: { force: flag('--force', 'cut the power at once'), ...changeOptions },
  examples: ['kennel vm stop db-1', 'kennel vm stop db-1 --force -y --reason "guest hangs"'],
  run: async (call) =>
    (await import('../actions/vm-change.ts')).stopVm(call, call.arguments.vm, call.options),
});

const disable = command({
  name: 'disable',
  summary: 'shut a VM down and keep failover away from it',
  description: [
    'As stop; but a VM that is stopped is still recovered off a dead node, which is fenced for it, and one that is disabled is not. `kennel vm start` ends it.',
  ],
  arguments: { vm },
  options: { force: flag('--force', 'cut the power at once'), ...changeOptions },
  examples: ['kennel vm disable db-1 --wait'],
  run: async (call) =>
    (await import('../actions/vm-change.ts')).disableVm(call, call.arguments.vm, call.options),
});

const ignore = command({
  name: 'ignore',
  summary: 'leave a VM to people: it is not started, stopped or recovered',
  description: [
    'What runs goes on and is still reported. `kennel vm start`, `stop` or `disable` ends it; then the VM is taken over where it runs.',
  ],
  arguments: { vm },
  options: changeOptions,
  examples: ['kennel vm ignore db-1'],
  run: async (call) =>
    (await import('../actions/vm-change.ts')).ignoreVm(call, call.arguments.vm, call.options),
});

const forget = command({
  name: 'forget',
  summary: 'take a VM out of the cluster and leave it running',
  description: [
    'Nothing is stopped, and nothing keeps its disks from being given to another VM. `kennel vm adopt` or `create` takes it over again.',
  ],
  arguments: { vm },
  options: changeOptions,
  examples: ['kennel vm forget db-1'],
  run: async (call) =>
    (await import('../actions/vm-change.ts')).forgetVm(call, call.arguments.vm, call.options),
});

const remove = command({
  name: 'delete',
  summary: 'stop a VM and take it out of the cluster; its disks stay',
  arguments: { vm },
  options: changeOptions,
  examples: ['kennel vm delete db-1'],
  run: async (call) =>
    (await import('../actions/vm-change.ts')).deleteVm(call, call.arguments.vm, call.options),
});

const adopt = command({
  name: 'adopt',
  summary: 'take over a domain that already exists on a node, running or not',
  description: ['The guest is not touched.'],
  arguments: {
    node: { summary: 'node that has the domain', completes: { kind: 'node' } },
    domain: { summary: 'name or UUID of the libvirt domain', completes: { kind: 'nothing' } },
  },
  options: changeOptions,
  examples: ['kennel vm adopt node-1 db-1 --wait'],
  run: async (call) =>
    (await import('../actions/vm-change.ts')).adoptVm(call, call.arguments, call.options),
});

export const vmNoun: Noun = {
  kind: 'noun',
  name: 'vm',
  summary: 'VMs: list, create, start, stop, pause, restart, snapshot, migrate, adopt, delete',
  verbs: [
    ls,
    show,
    create,
    edit,
    start,
    stop,
    restart,
    ...actCommands,
    consoleCommand,
    screenshot,
    snapshot,
    rename,
    clone,
    disable,
    ignore,
    migrate,
    relocate,
    lock,
    unlock,
    forget,
    remove,
    adopt,
  ],
};
