import type { WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';
import type { LabDisk } from '../../deploy/lab/storage.ts';
import { tinyVmSpec } from '../../deploy/lab/cluster/kennel-cluster.ts';
import type { NodeView, VmView } from '../../src/api/schema/views.ts';
import type { Client } from '../../src/client/client.ts';
import type { Outcome } from '../../src/core/problem.ts';

/** What a step may use: the cluster as it was seen before it, and its own chance. */
export interface WalkView {
  readonly client: Client;
  readonly nodes: readonly NodeView[];
  readonly vms: readonly VmView[];
  /** Disks that no VM has. */
  readonly free: readonly LabDisk[];
  readonly pick: <T>(choices: readonly T[]) => T | undefined;
  chance(): number;
  /** Names this step, for calls that are made once. */
  readonly request: string;
}

export interface WalkStep {
  readonly what: string;
  readonly run: () => Promise<Outcome<unknown>>;
}

/** Null: there is nothing that the verb could be done to now. */
type Draw = (view: WalkView) => WalkStep | null;

const limits = { bandwidthMiBs: null, autoConverge: false, deadlineMs: 60_000 };
const evacuation = { stuck: 'restart', deadlineMs: null, force: true } as const;

const onVm =
  (
    verb: string,
    fits: (vm: VmView) => boolean,
    run: (view: WalkView, vm: VmView) => Promise<Outcome<unknown>>,
  ): Draw =>
  (view) => {
    const vm = view.pick(view.vms.filter(fits));
    return vm === undefined ? null : { what: `${verb} ${vm.name}`, run: () => run(view, vm) };
  };

const runs = ({ state, desired }: VmView): boolean => state === 'running' && desired === 'running';
const isOn = ({ state }: VmView): boolean => state === 'running' || state === 'paused';
const isOff = ({ state }: VmView): boolean => state === 'stopped';

const act = (verb: 'pause' | 'resume' | 'reset' | 'reboot' | 'restart', force = false) =>
  onVm(
    force ? `${verb} --force` : verb,
    verb === 'resume' ? ({ state }) => state === 'paused' : runs,
    ({ client, request }, { name }) => client.actOnVm(name, { verb, request, force }),
  );

const move = (way: 'live' | 'cold'): Draw =>
  onVm(way === 'live' ? 'migrate' : 'relocate', runs, ({ client, nodes, pick }, vm) => {
    const others = nodes.filter(({ name, cordoned }) => name !== vm.node && !cordoned);
    return client.moveVm(vm.name, { to: pick(others)?.name ?? null, way, limits });
  });

const stop = (force: boolean): Draw =>
  onVm(force ? 'stop --force' : 'stop', isOn, ({ client }, { name }) =>
    client.stopVm(name, { force, reason: 'random walk' }),
  );

const onNode =
  (
    verb: string,
    fits: (node: NodeView) => boolean,
    run: (view: WalkView, node: NodeView) => Promise<Outcome<unknown>>,
  ): Draw =>
  (view) => {
    const node = view.pick(view.nodes.filter(fits));
    return node === undefined ? null : { what: `${verb} ${node.name}`, run: () => run(view, node) };
  };

const isOpen = ({ cordoned, maintenance, draining }: NodeView): boolean =>
  !cordoned && !maintenance && !draining;

/** Every verb that changes where or how a VM is, and how often it is drawn. */
export const walkVerbs: Readonly<Record<string, { readonly weight: number; readonly draw: Draw }>> =
  {
    start: {
      weight: 6,
      draw: onVm('start', isOff, ({ client }, { name }) => client.startVm(name)),
    },
    stop: { weight: 2, draw: stop(false) },
    stopForced: { weight: 3, draw: stop(true) },
    disable: {
      weight: 1,
      draw: onVm('disable', isOn, ({ client }, { name }) =>
        client.disableVm(name, { force: true, reason: 'random walk' }),
      ),
    },
    pause: { weight: 3, draw: act('pause') },
    resume: { weight: 4, draw: act('resume') },
    reset: { weight: 2, draw: act('reset') },
    reboot: { weight: 2, draw: act('reboot') },
    restart: { weight: 1, draw: act('restart') },
    restartForced: { weight: 3, draw: act('restart', true) },
    migrate: { weight: 6, draw: move('live') },
    relocate: { weight: 1, draw: move('cold') },
    edit: {
      weight: 2,
      draw: onVm(
        'edit',
        ({ desired }) => desired !== 'ignored',
        ({ client, pick }, vm) => {
          const priority = pick(['high', 'medium', 'low'] as const) ?? 'low';
          const memoryMiB = pick([2, 3, 4]) ?? 2;
          const spec = { ...(vm.staged ?? vm.spec), priority, memoryMiB };
          return client.editVm(vm.name, { spec, before: null });
        },
      ),
    },
    create: {
      weight: 4,
      draw: ({ client, free, pick }) => {
        const disk = pick(free);
        if (disk === undefined) return null;
        const spec = tinyVmSpec(disk);
        return {
          what: `create ${disk.name}`,
          run: () => client.createVm({ id: null, desired: 'running', node: null, spec }),
        };
      },
    },
    delete: {
      weight: 2,
      draw: onVm(
        'delete',
        (vm) => isOn(vm) || isOff(vm),
        ({ client }, { name }) => client.deleteVm(name),
      ),
    },
    ignoreAndStart: {
      weight: 1,
      draw: onVm('ignore, then start', runs, async ({ client }, { name }) => {
        const ignored = await client.ignoreVm(name);
        return ignored.kind === 'problem' ? ignored : client.startVm(name);
      }),
    },
    forgetAndAdopt: {
      weight: 1,
      draw: onVm('forget, then adopt', runs, async ({ client }, { name, node }) => {
        const forgotten = await client.forgetVm(name);
        if (forgotten.kind === 'problem') return forgotten;
        return client.adoptVm({ node: node ?? '', domain: name });
      }),
    },
    cordon: {
      weight: 1,
      draw: onNode('cordon', isOpen, ({ client }, { name }) =>
        client.maintainNode(name, { want: 'cordon' }),
      ),
    },
    drain: {
      weight: 1,
      draw: onNode('drain', isOpen, ({ client }, { name }) =>
        client.maintainNode(name, { want: 'drain', ...evacuation }),
      ),
    },
    maintenance: {
      weight: 1,
      draw: onNode('maintenance', isOpen, ({ client }, { name }) =>
        client.maintainNode(name, { want: 'maintenance', ...evacuation }),
      ),
    },
    exitOrUncordon: {
      weight: 6,
      draw: onNode(
        'maintenance exit',
        (node) => !isOpen(node),
        async ({ client }, { name }) => {
          const left = await client.maintainNode(name, { want: 'exit' });
          const open = await client.maintainNode(name, { want: 'uncordon' });
          return open.kind === 'ok' ? open : left;
        },
      ),
    },
  };

/** The next step: verbs are drawn by weight until one fits. */
export function drawStep(view: WalkView): WalkStep & { readonly verb: string } {
  const pool = Object.entries(walkVerbs);
  const total = pool.reduce((sum, [, { weight }]) => sum + weight, 0);
  for (let tries = 0; tries < 1000; tries += 1) {
    let left = view.chance() * total;
    const drawn = pool.find(([, { weight }]) => (left -= weight) < 0);
    const step = drawn?.[1].draw(view) ?? null;
    if (drawn !== undefined && step !== null) return { ...step, verb: drawn[0] };
  }
  throw new Error('no verb fits');
}

/** Disks of the lab that no VM has. */
export function freeDisks(site: WatchedCluster, vms: readonly VmView[]): readonly LabDisk[] {
  const used = new Set(
    vms.flatMap(({ spec }) =>
      spec.disks.map(({ source }) => (source.kind === 'nbd' ? source.export : '')),
    ),
  );
  return site.lab.disks().filter(({ source }) => !used.has(source.export));
}
