import type { MaintainNode } from '../../src/api/schema/maintenance.ts';
import type { ShutdownPolicy } from '../../src/core/model/evacuation.ts';
import type { RandomStream } from '../sim/random.ts';
import type { Client } from './client.ts';
import { aNode, type Cast } from './draw-faults.ts';
import type { Target } from './scenario.ts';
import type { Stage } from './stage.ts';

/** Something that a person wants of a node, or does to its operating system, at an instant. */
export interface MaintenanceStep {
  readonly atMs: number;
  readonly node: Target;
  readonly what: MaintainNode['want'] | 'osReboot' | 'osShutdown';
  readonly stuck: 'leave' | 'restart';
  readonly policy: ShutdownPolicy;
}

/** Share of the seeds in which somebody works on nodes. */
const share = 0.4;

/** Work on one or two nodes: entered, left and broken off at any moment, machines that go down by themselves. */
export function drawMaintenance(
  random: RandomStream,
  cast: Cast,
  faultsMs: number,
): readonly MaintenanceStep[] {
  if (!random.chance(share)) return [];
  const nodes = [aNode(random, cast), random.pick(cast.nodes)];
  const policy = random.pick(['conditional', 'freeze', 'failover', 'migrate', 'migrate'] as const);
  const count = 2 + random.below(5);
  return Array.from({ length: count }, () => ({
    atMs: Math.round(random.between(8000, faultsMs)),
    node: random.pick(nodes),
    what: random.pick([
      'maintenance',
      'maintenance',
      'maintenance',
      'drain',
      'exit',
      'exit',
      'uncordon',
      'cordon',
      'reboot',
      'shutdown',
      'osReboot',
      'osShutdown',
    ] as const),
    stuck: random.pick(['leave', 'restart'] as const),
    policy,
  })).sort((a, b) => a.atMs - b.atMs);
}

/** Carries the steps out. A command that meets no leader is not repeated. */
export function scheduleMaintenance(
  steps: readonly MaintenanceStep[],
  { stage, client }: { readonly stage: Stage; readonly client: Client },
): void {
  const { time } = stage.cluster.world;
  const label = time.label('maintenance');
  const [first] = steps;
  if (first !== undefined) {
    const settings = { 'shutdown.policy': first.policy };
    const set = (): void =>
      client.person((service, caller) => service.changeSettings({ settings }, caller));
    time.schedule(5000 - time.nowMs, set, label);
  }
  for (const step of steps) {
    const act = (): void => {
      const node = stage.node(step.node);
      if (node === null) return;
      if (step.what === 'osReboot') node.power.begin('reboot');
      else if (step.what === 'osShutdown') node.power.begin('shutdown');
      else {
        const body = bodyOf(step, step.what);
        client.person((service, caller) => service.maintenance.change(node.name, body, caller));
      }
    };
    time.schedule(step.atMs - time.nowMs, act, label);
  }
}

function bodyOf({ stuck, policy }: MaintenanceStep, want: MaintainNode['want']): MaintainNode {
  // What is refused teaches nothing here; what is stuck does.
  const wish = { stuck, deadlineMs: null, force: true } as const;
  switch (want) {
    case 'cordon':
    case 'uncordon':
    case 'exit':
      return { want };
    case 'drain':
    case 'maintenance':
      return { want, ...wish };
    case 'reboot':
    case 'shutdown':
      return { want, policy, ...wish };
    default:
      return want satisfies never;
  }
}

interface Unfinished {
  readonly node: string;
  readonly body: MaintainNode;
}

/** What is left to be ended before everything can come to rest, by the committed records. */
export function unfinishedMaintenance(
  nodes: readonly {
    readonly id: string;
    readonly cordoned: boolean;
    readonly evacuation?: { readonly kind: string };
    readonly downtime?: object;
  }[],
): readonly Unfinished[] {
  return nodes.flatMap(({ id, cordoned, evacuation, downtime }): readonly Unfinished[] => {
    if (evacuation !== undefined && evacuation.kind !== 'drain') {
      return [{ node: id, body: { want: 'exit' } as const }];
    }
    if (cordoned || evacuation !== undefined) {
      return [{ node: id, body: { want: 'uncordon' } as const }];
    }
    return downtime === undefined ? [] : [{ node: id, body: { want: 'exit' } as const }];
  });
}
