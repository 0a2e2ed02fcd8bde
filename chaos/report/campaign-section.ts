import { bars } from './bars.ts';
import type { Bar } from './bars.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import type { SimInput } from './inputs.ts';
import { counted, grouped } from './units.ts';

const faultMark = 'fault: ';

/** The simulated campaign: what struck, and which rare states were reached. */
export function campaignSection(sim: SimInput): Html {
  const named = Object.entries(sim.sometimes).map(([name, count]) => ({ name, count }));
  const faults = named.filter(({ name }) => name.startsWith(faultMark));
  const reached = named.filter(({ name }) => !name.startsWith(faultMark));
  const never = sim.neverReached.map((name) => ({ name, count: 0 }));
  const struck = faults.reduce((sum, { count }) => sum + count, 0);
  return html`<section id="campaign">
    <h2>Simulated campaign</h2>
    <p>
      ${counted(sim.seeds, 'seed')}, ${counted(struck, 'fault')}, ${counted(sim.events, 'event')}.
      The same seeds of the same code give the hash <code>${sim.hash}</code> again.
      ${grouped(sim.clusterHoursPerCpuSecond)} cluster-hours were simulated per CPU second.
    </p>
    <div class="columns">
      <div>
        <h3>Faults that struck</h3>
        ${bars(byCount(faults.map((each) => ({ ...each, name: each.name.slice(faultMark.length) }))))}
      </div>
      <div>
        <h3>Rare states that were reached</h3>
        ${bars([...never, ...byCount(reached)])}
      </div>
    </div>
  </section>`;
}

function byCount(list: readonly Bar[]): readonly Bar[] {
  return [...list].sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}
