import { snapshotOfHtools, withPrimaries } from '../../../src/cli/plan/htools-text.ts';
import type { HtoolsText } from '../../../src/cli/plan/htools-text.ts';
import { whatIfNodesFail, type WhatIf } from '../../../src/core/placement/what-if.ts';
import { median } from '../statistics.ts';
import { generatedSite } from './generated-site.ts';

export interface Size {
  readonly nodes: number;
  readonly vms: number;
  readonly lost: number;
}

/** One planning of one size, in a process of its own. */
export interface Planning extends Size {
  readonly medianMs: number;
  readonly maxMs: number;
  readonly rssMiB: number;
  readonly moved: number;
  readonly homeless: number;
}

/** Plans the loss of nodes `rounds` times over, each from the snapshot alone. */
export function measurePlanning(size: Size, rounds: number): Planning {
  const snapshot = snapshotOfHtools(generatedSite(size.nodes, size.vms, size.lost));
  const lost = snapshot.nodes.slice(0, size.lost).map((node) => node.id);
  const timesMs: number[] = [];
  let plan = whatIfNodesFail(snapshot, lost);
  for (let round = 0; round < rounds; round += 1) {
    const startedMs = performance.now();
    plan = whatIfNodesFail(snapshot, lost);
    timesMs.push(performance.now() - startedMs);
  }
  const homeless = plan.placed.filter((one) => one.placement.kind === 'nowhere').length;
  return {
    ...size,
    medianMs: median(timesMs) ?? 0,
    maxMs: Math.round(Math.max(...timesMs) * 1000) / 1000,
    rssMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    moved: plan.placed.length - homeless,
    homeless,
  };
}

/** The site after the plan, for a judge. */
export function afterPlan(text: HtoolsText, plan: WhatIf): HtoolsText {
  const primaryOf = new Map(
    plan.placed.flatMap(({ waiting, placement }) =>
      placement.kind === 'placed'
        ? [[waiting.vm.spec.name, placement.node as string] as const]
        : [],
    ),
  );
  return withPrimaries(text, primaryOf);
}
