import type { FailoverView, NodeView, StatusView } from '../../../src/api/schema/views.ts';
import { formatFailover } from '../../../src/cli/render/failover.ts';
import { actReport, type ActReport, type DemoReport, type Fault } from './report.ts';
import type { DemoSite, WitnessVerdict } from './site.ts';

type Say = (text: string) => void;

/** Tells the whole story on a site whose VMs run: two failures, two failovers, one verdict. */
export async function tellStory(
  site: DemoSite,
  say: Say,
): Promise<{ readonly report: DemoReport; readonly verdict: WitnessVerdict }> {
  const beganAt = site.now();
  const status = await site.status();
  say(`\n${site.description}`);
  say(`${status.vms.length} VMs run: ${placesOf(status)}`);
  const acts = [
    await playAct(site, { fault: 'powerLoss', title: 'Act 1. A node loses power.', beganAt }, say),
    await playAct(
      site,
      { fault: 'freeze', title: 'Act 2. A node freezes, and may wake up.', beganAt },
      say,
    ),
  ];
  const verdict = await site.witness();
  say(`\nThe witness watched ${verdict.disks} disks from the storage's side:`);
  say(
    verdict.overlaps === 0
      ? '  at no time did a disk have two writers.'
      : `  ${verdict.overlaps} times a disk had TWO WRITERS.`,
  );
  const { disks, overlaps } = verdict;
  return { report: { acts, witness: { disks, overlaps }, simulated: site.simulated }, verdict };
}

async function playAct(
  site: DemoSite,
  act: { readonly fault: Fault; readonly title: string; readonly beganAt: string },
  say: Say,
): Promise<ActReport> {
  const before = await site.until('every VM runs', allRunning);
  const victim = busiest(before.nodes);
  const known = new Set((await site.failovers()).map((failover) => failover.id));
  const since = (await site.eventsAfter(0)).at(-1)?.sequence ?? 0;
  say(`\n${act.title}\n`);
  const faultAt = site.now();
  await (act.fault === 'powerLoss' ? site.powerLoss(victim.name) : site.freeze(victim.name));
  say(
    act.fault === 'powerLoss'
      ? `pulled the plug of ${victim.name}, which ran ${victim.vms} VMs`
      : `froze ${victim.name}, which ran ${victim.vms} VMs: its power is on, nobody answers`,
  );
  await site.until(
    'its VMs run elsewhere',
    (view) => allRunning(view) && view.vms.every((vm) => vm.node !== victim.name),
  );
  const failover = await completed(site, known);
  say(`\n${indented(formatFailover(failover))}\n`);
  if (act.fault === 'freeze') {
    await site.thaw(victim.name);
    say(`thawed ${victim.name}: its BMC had cut the power, so nothing in it wakes up`);
  }
  await bringBack(site, victim, since, say);
  return actReport({ fault: act.fault, faultAt, beganAt: act.beganAt }, failover);
}

/** Powers the node on and shows in which order it comes back. */
async function bringBack(site: DemoSite, victim: NodeView, since: number, say: Say): Promise<void> {
  say(`powering ${victim.name} on: it boots, connects, and starts nothing by itself`);
  await site.powerOn(victim.name);
  const after = await site.until('the node is admitted', (view) =>
    view.nodes.every((node) => node.state === 'online'),
  );
  const node = after.nodes.find((one) => one.name === victim.name);
  for (const event of await site.eventsAfter(since)) {
    if (event.node === victim.name)
      say(`  ${event.at.slice(11, 23)}  ${event.code}  ${event.text}`);
  }
  say(
    `  old boot ${short(victim.bootId)}, new boot ${short(node?.bootId)}; VMs it holds: ${node?.vms}`,
  );
}

async function completed(site: DemoSite, known: ReadonlySet<string>): Promise<FailoverView> {
  const find = async (): Promise<FailoverView | undefined> =>
    (await site.failovers()).find((one) => !known.has(one.id) && one.outcome === 'completed');
  await site.until('the failover record closes', async () => (await find()) !== undefined);
  const found = await find();
  if (found === undefined) throw new Error('the failover record is gone');
  return found;
}

function allRunning(view: StatusView): boolean {
  return view.vms.length > 0 && view.vms.every((vm) => vm.state === 'running');
}

function busiest(nodes: readonly NodeView[]): NodeView {
  const [first] = nodes.toSorted((a, b) => b.vms - a.vms);
  if (first === undefined) throw new Error('there is no node');
  return first;
}

function placesOf(view: StatusView): string {
  return view.nodes.map((node) => `${node.vms} on ${node.name}`).join(', ');
}

const short = (id: string | null | undefined): string => (id ?? 'none').slice(0, 8);

const indented = (text: string): string =>
  text
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n');
