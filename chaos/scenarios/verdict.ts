import { judge } from './judge.ts';
import { loadScenario } from './load.ts';
import { missingFeatures, needsOf } from './needs.ts';
import type { MissingFeature } from './needs.ts';
import { replay } from './replay.ts';
import type { PortabilityClass, Scenario } from './schema.ts';

export interface ScenarioResult {
  readonly id: string;
  /** Null: the file is not a scenario. */
  readonly class: PortabilityClass | null;
  readonly verdict: 'pass' | 'fail' | 'excluded';
  readonly reasons: readonly string[];
}

/** A result with the fingerprint of its run; null when nothing was run. */
export interface Verdict {
  readonly result: ScenarioResult;
  readonly hash: string | null;
}

/** Judges one scenario: excluded, failed for want of a feature, or by what its run came to. */
export async function verdictOf(scenario: Scenario): Promise<Verdict> {
  const { id, portability } = scenario;
  const result = (
    verdict: ScenarioResult['verdict'],
    reasons: readonly string[],
  ): ScenarioResult => ({ id, class: portability.class, verdict, reasons });
  if (portability.class === 'peer-specific' || portability.exclude) {
    return { result: result('excluded', ['peer-specific: means nothing here']), hash: null };
  }
  const needs = needsOf(scenario);
  if (needs.length > 0) {
    return { result: result('fail', needs.map(needText)), hash: null };
  }
  try {
    const outcome = await replay(scenario);
    const reasons = judge(scenario, outcome);
    return { result: result(reasons.length === 0 ? 'pass' : 'fail', reasons), hash: outcome.hash };
  } catch (error) {
    // The simulator ends a run at an exception of the code under test, as a real process would end.
    const message = error instanceof Error ? error.message : String(error);
    return { result: result('fail', [`the run ended early: ${message}`]), hash: null };
  }
}

/** As `verdictOf`, from a file's text; `name` stands in for the id of a file that is no scenario. */
export async function verdictOfText(name: string, text: string): Promise<Verdict> {
  const loaded = loadScenario(text);
  if (loaded.kind === 'scenario') return verdictOf(loaded.scenario);
  const reasons = loaded.problems.map((problem) => `invalid: ${problem}`);
  return { result: { id: name, class: null, verdict: 'fail', reasons }, hash: null };
}

const needText = (feature: MissingFeature): string => `needs: ${feature}`;

/** The feature that a reason names; null for any other reason. */
export function featureOf(reason: string): MissingFeature | null {
  const name = reason.startsWith('needs: ') ? reason.slice('needs: '.length) : '';
  return name in missingFeatures ? (name as MissingFeature) : null;
}
