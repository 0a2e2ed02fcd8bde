import type { VmView } from '../../api/schema/views.ts';
import { formatMemory } from '../memory-size.ts';
import { renderColumns, renderFields } from './columns.ts';
import type { Cell } from './columns.ts';
import type { Layout } from './layout.ts';
import { paintVm } from './states.ts';
import { guestFields } from './vm-guest.ts';
import { hardwareFields } from './vm-hardware.ts';

const vmHeader = ['VM', 'STATE', 'NODE', 'PRIORITY', 'NOTE'];
const vmHeaderWide = [
  ...vmHeader.slice(0, -1),
  'DESIRED',
  'MEMORY',
  'VCPUS',
  'TOKEN',
  'PROTECTED',
  'UUID',
  'NOTE',
];

/** The table of `status` and `vm ls`: header and one line for each VM. */
export function renderVmTable(vms: readonly VmView[], layout: Layout): string[] {
  const rows = vms.map((vm): Cell[] => {
    const narrow: Cell[] = [
      { text: vm.name },
      { text: vm.state, paint: paintVm(layout.paint, vm) },
      { text: vm.node ?? '-' },
      { text: vm.priority },
    ];
    const note: Cell = { text: vmNote(vm) };
    if (!layout.isWide) return [...narrow, note];
    return [
      ...narrow,
      { text: vm.desired },
      { text: formatMemory(vm.memoryMiB), align: 'right' },
      { text: String(vm.vcpus), align: 'right' },
      { text: vm.permit === null ? '-' : String(vm.permit.token), align: 'right' },
      { text: vm.isProtected ? 'yes' : 'no' },
      { text: vm.id },
      note,
    ];
  });
  return renderColumns(layout.isWide ? vmHeaderWide : vmHeader, rows, layout.columns);
}

/** What a person should know about it, in few words; empty when all is well. */
function vmNote(vm: VmView): string {
  const notes: string[] = [];
  if (vm.lock !== null && vm.reason === null) notes.push(`locked (${vm.lock.kind})`);
  if (vm.action !== null) notes.push(`${calledText(vm.action)} is asked of its node`);
  if (vm.desired !== 'running' && vm.state !== vm.desired) notes.push(`desired ${vm.desired}`);
  if (vm.reason !== null) notes.push(vm.reason);
  if (vm.node !== null && !vm.isProtected) notes.push('not protected');
  return notes.join('; ');
}

/** One VM in full. */
export function renderVm(vm: VmView, layout: Layout): string {
  const { spec } = vm;
  const fields: [string, string][] = [
    ['vm', vm.name],
    ['uuid', vm.id],
    ['state', vm.state],
    ['desired', vm.desired],
    ['node', vm.node ?? 'none'],
    ['permit', permitText(vm)],
    ['priority', vm.priority],
    ['protected', vm.isProtected ? 'yes' : 'no: its node has no way to be proven dead'],
    ...(vm.lock === null ? [] : [['locked', lockText(vm.lock)] as [string, string]]),
    ...(vm.reason === null ? [] : [['reason', vm.reason] as [string, string]]),
    ...vm.acted.slice(-3).map((one): [string, string] => ['done to it', actedText(one)]),
    ...(vm.snapshots === undefined || vm.snapshots.length === 0
      ? []
      : [
          ['snapshots', vm.snapshots.map(({ name }) => name).join(', ')] satisfies [string, string],
        ]),
    ...(vm.staged === null ? [] : [['edited', stagedText(vm)] as [string, string]]),
    ['memory', formatMemory(vm.memoryMiB)],
    ['vcpus', String(vm.vcpus)],
    ['definition', definitionText(vm)],
    ...hardwareFields(vm),
    ...spec.disks.map((disk): [string, string] => ['disk', diskText(disk)]),
    ...spec.interfaces.map((card): [string, string] => ['interface', interfaceText(card)]),
    ['allowed nodes', spec.nodes.length === 0 ? 'all' : spec.nodes.join(', ')],
    ['apart from', spec.separateFrom.length === 0 ? 'no other VM' : spec.separateFrom.join(', ')],
    ...(spec.onEvacuation === undefined
      ? []
      : [['when emptied', spec.onEvacuation] satisfies [string, string]]),
    ['limits', `${spec.limits.restarts} restarts, ${spec.limits.relocations} relocations`],
    ...guestFields(vm),
    ...(spec.consoleLog === null ? [] : [['console', spec.consoleLog] as [string, string]]),
  ];
  return renderFields(fields, layout.columns).join('\n');
}

function lockText({ kind, by, at, reason }: NonNullable<VmView['lock']>): string {
  return `${kind}, by ${by} at ${at}${reason === null ? '' : `: ${reason}`}`;
}

/** Which fields of an edit wait. */
function stagedText({ name, spec, staged }: VmView): string {
  const fields = Object.entries(staged ?? {}).filter(
    ([field, value]) => JSON.stringify(value) !== JSON.stringify(spec[field as keyof typeof spec]),
  );
  return `${fields.map(([field]) => field).join(', ')}: after its next stop, or kennel vm restart ${name}`;
}

/** The verb, and the snapshot that it is about. */
function calledText({ verb, snapshot }: { verb: string; snapshot?: string | undefined }): string {
  return snapshot === undefined ? verb : `${verb} ${snapshot}`;
}

function actedText(acted: VmView['acted'][number]): string {
  const { by, at, outcome, detail } = acted;
  const how = outcome === 'done' ? '' : `, ${outcome}: ${detail ?? 'no reason was given'}`;
  return `${calledText(acted)} by ${by} at ${at}${how}`;
}

function permitText(vm: VmView): string {
  if (vm.permit === null) return 'none: nobody may run it';
  return `token ${vm.permit.token} for ${vm.permit.node}, incarnation ${vm.permit.incarnation}`;
}

function definitionText(vm: VmView): string {
  const { definition } = vm.spec;
  switch (definition.kind) {
    case 'typed': {
      const how = definition.emulated ? 'emulated' : 'KVM';
      return `typed, ${how}, machine ${definition.machine ?? 'by default'}`;
    }
    case 'xml':
      return 'domain XML, taken over as it is';
    default:
      return definition satisfies never;
  }
}

type Disk = VmView['spec']['disks'][number];

function diskText(disk: Disk): string {
  const how = `${disk.format}, ${disk.bus}${disk.readOnly ? ', read only' : ''}`;
  return `${diskSourceText(disk.source)} (${how})`;
}

/** Where a disk lies, in one word that a person can compare. */
function diskSourceText(source: Disk['source']): string {
  switch (source.kind) {
    case 'nbd':
      return `nbd://${source.host}:${source.port}/${source.export}`;
    case 'rbd':
      return `rbd:${source.pool}/${source.image}`;
    case 'iscsi':
      return `iscsi://${source.portal}/${source.target}/${source.lun}`;
    case 'sharedFile':
      return `shared ${source.path}`;
    case 'local':
      return `local ${source.path}`;
    default:
      return source satisfies never;
  }
}

function interfaceText(card: VmView['spec']['interfaces'][number]): string {
  const to =
    card.attach.kind === 'bridge'
      ? `bridge ${card.attach.bridge}`
      : `network ${card.attach.network}`;
  return `${card.mac} on ${to} (${card.model})`;
}
