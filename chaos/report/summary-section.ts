import { html } from './html.ts';
import type { Html } from './html.ts';
import type { InputName, RealInput, ReportInputs, SimInput } from './inputs.ts';
import { sourceCommands } from './inputs.ts';
import { counted, grouped } from './units.ts';

interface Card {
  readonly href: string;
  readonly value: string;
  readonly what: string;
  readonly tone: 'good' | 'bad' | 'plain';
}

/** The verdict in one line, the numbers behind it, and what the page was not given. */
export function summarySection(inputs: ReportInputs): Html {
  const { tone, text } = verdictOf(inputs);
  return html`<p class="verdict ${tone}">${text}</p>
    <nav class="cards">
      ${cardsOf(inputs).map(
        ({ href, value, what, tone: each }) =>
          html`<a class="card ${each}" href="${href}"><b>${value}</b><span>${what}</span></a>`,
      )}
    </nav>
    ${notGiven(inputs)}`;
}

interface Verdict {
  readonly tone: Card['tone'] | 'part';
  readonly text: string;
}

function verdictOf(inputs: ReportInputs): Verdict {
  const troubles = troublesOf(inputs);
  if (troubles.length > 0) return { tone: 'bad', text: `✗ ${troubles.join('; ')}.` };
  if (inputs.sim === null && inputs.real === null) {
    return {
      tone: 'plain',
      text: 'No run was given: whether a rule was broken is not known here.',
    };
  }
  const notes = notesOf(inputs);
  if (notes.length === 0) return { tone: 'good', text: '✓ No rule was broken.' };
  return { tone: 'part', text: `✓ No rule was broken, but ${notes.join(' and ')}.` };
}

function troublesOf(inputs: ReportInputs): readonly string[] {
  const broken = brokenIn(inputs);
  const survived = inputs.mutants?.mutants.filter(({ caught }) => !caught).length ?? 0;
  const red = inputs.coverage?.rows.filter((row) => row.red).length ?? 0;
  return [
    ...(broken > 0 ? [`${counted(broken, 'rule was', 'rules were')} broken`] : []),
    ...(survived > 0 ? [`${counted(survived, 'planted defect')} survived`] : []),
    ...(red > 0 ? [`${counted(red, 'row')} of the failure catalogue red`] : []),
  ];
}

function notesOf({ sim, scenarios }: ReportInputs): readonly string[] {
  const failed = scenarios?.results.filter(({ verdict }) => verdict === 'fail').length ?? 0;
  const never = sim?.neverReached.length ?? 0;
  return [
    ...(failed > 0 ? [`${counted(failed, 'scenario')} failed`] : []),
    ...(never > 0 ? [`${counted(never, 'rare state was', 'rare states were')} never reached`] : []),
  ];
}

const brokenIn = ({ sim, real }: ReportInputs): number =>
  (sim?.violations.length ?? 0) + (real?.violations.length ?? 0);

function cardsOf(inputs: ReportInputs): readonly Card[] {
  const { sim, real } = inputs;
  const broken = brokenIn(inputs);
  const tone = broken === 0 ? 'good' : 'bad';
  const what = broken === 1 ? 'violation' : 'violations';
  return [
    ...(sim === null && real === null
      ? []
      : [{ href: '#violations', value: grouped(broken), what, tone } as const]),
    ...(sim === null ? [] : simCards(sim)),
    ...(real === null ? [] : realCards(real)),
    ...shareCards(inputs),
  ];
}

function simCards({ seeds, virtualHours, failovers, recovery }: SimInput): readonly Card[] {
  const hours =
    virtualHours === undefined
      ? []
      : [plain('#campaign', grouped(virtualHours), 'simulated cluster-hours')];
  const where = recovery.length > 0 ? '#recovery' : '#campaign';
  return [
    plain('#campaign', grouped(seeds), 'seeds'),
    ...hours,
    plain(where, grouped(failovers), 'simulated failovers'),
  ];
}

function realCards({ minutes, failovers }: RealInput): readonly Card[] {
  return [
    plain('#real', `${grouped(minutes)} min`, 'on real parts'),
    plain('#real', grouped(failovers.length), 'real failovers'),
  ];
}

function shareCards({ mutants, scenarios, coverage }: ReportInputs): readonly Card[] {
  const cards: Card[] = [];
  if (mutants !== null) {
    const { length: all } = mutants.mutants;
    const caught = mutants.mutants.filter((each) => each.caught).length;
    const tone = caught === all ? 'good' : 'bad';
    const what = 'planted defects caught';
    cards.push({ href: '#mutants', value: `${caught} / ${all}`, what, tone });
  }
  if (scenarios !== null) {
    const passed = scenarios.results.filter(({ verdict }) => verdict === 'pass').length;
    const judged = scenarios.results.filter(({ verdict }) => verdict !== 'excluded').length;
    cards.push(plain('#scenarios', `${passed} / ${judged}`, 'scenarios passed'));
  }
  if (coverage !== null) {
    const { rows } = coverage;
    const covered = rows.filter(({ red, status }) => status === 'covered' && !red).length;
    cards.push(plain('#coverage', `${covered} / ${rows.length}`, 'kinds of failure covered'));
  }
  return cards;
}

const plain = (href: string, value: string, what: string): Card => ({
  href,
  value,
  what,
  tone: 'plain',
});

function notGiven(inputs: ReportInputs): Html | null {
  const names = Object.keys(sourceCommands) as InputName[];
  const absent = names.filter((name) => inputs[name] === null);
  const lacksTimes = inputs.sim !== null && inputs.sim.recovery.length === 0;
  if (absent.length === 0 && !lacksTimes) return null;
  return html`<aside>
    <h2>Not given</h2>
    <ul>
      ${absent.map(
        (name) => html`<li>${absentTexts[name]}: <code>${sourceCommands[name]}</code></li>`,
      )}
      ${lacksTimes ? html`<li>recovery times: the simulated campaign saw no failover, or is of an older version</li>` : null}
    </ul>
  </aside>`;
}

const absentTexts: Readonly<Record<InputName, string>> = {
  sim: 'the simulated campaign',
  mutants: 'planted defects',
  scenarios: 'scenarios',
  real: 'a run on real parts',
  coverage: 'coverage of the failure catalogue',
};
