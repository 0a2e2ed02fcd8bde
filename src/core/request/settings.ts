import type { ClusterSettings, GuardSettings } from '../model/settings.ts';
import { ok, problem, type Outcome } from '../problem.ts';
import type { Draft } from '../decide/draft.ts';

/** One setting that a person may change. */
export interface Setting {
  readonly key: string;
  readonly summary: string;
  /** `word`: one of `words`, by its number from 0. */
  readonly unit: 'share' | 'count' | 'ms' | 'word';
  readonly words?: readonly string[];
  readonly min: number;
  readonly max: number;
  get(settings: ClusterSettings): number;
  set(settings: ClusterSettings, value: number): ClusterSettings;
}

const dayMs = 24 * 3_600_000;

type NumberGuard = Exclude<keyof GuardSettings, 'atOnce' | 'perWindow'>;

const ofGuards = (
  key: string,
  field: NumberGuard,
  rest: Pick<Setting, 'summary' | 'unit' | 'min' | 'max'>,
): Setting => ({
  key,
  ...rest,
  get: (settings) => settings.guards[field],
  set: (settings, value) => ({ ...settings, guards: { ...settings.guards, [field]: value } }),
});

const ofBudget = (
  key: string,
  budget: 'atOnce' | 'perWindow',
  part: 'count' | 'share',
  summary: string,
): Setting => ({
  key,
  summary,
  unit: part,
  min: part === 'count' ? 1 : 0,
  max: part === 'count' ? 10_000 : 1,
  get: (settings) => settings.guards[budget][part],
  set: (settings, value) => ({
    ...settings,
    guards: { ...settings.guards, [budget]: { ...settings.guards[budget], [part]: value } },
  }),
});

const shutdownPolicies = ['conditional', 'freeze', 'failover', 'migrate'] as const;

const ofStarts = (
  key: string,
  field: 'maxStartsPerNode' | 'maxStartsPerStorage',
  summary: string,
): Setting => ({
  key,
  summary,
  unit: 'count',
  min: 1,
  max: 10_000,
  get: (settings) => settings[field],
  set: (settings, value) => ({ ...settings, [field]: value }),
});

/** All of them. What safety rests on (the times of leases) is not among them. */
export const settingList: readonly Setting[] = [
  {
    key: 'storm.max-lost-share',
    summary: 'no node is powered off while more than this share of all is lost',
    unit: 'share',
    min: 0.01,
    max: 1,
    get: (settings) => settings.maxLostShare,
    set: (settings, value) => ({ ...settings, maxLostShare: value }),
  },
  ofBudget(
    'governor.at-once.count',
    'atOnce',
    'count',
    'nodes that may be lost at once before the governor holds',
  ),
  ofBudget('governor.at-once.share', 'atOnce', 'share', 'or this share of all, if that is more'),
  ofBudget(
    'governor.window.count',
    'perWindow',
    'count',
    'different nodes that may be powered off within the window',
  ),
  ofBudget('governor.window.share', 'perWindow', 'share', 'or this share of all, if that is more'),
  ofGuards('governor.window', 'windowMs', {
    summary: 'length of that window',
    unit: 'ms',
    min: 10_000,
    max: 7 * dayMs,
  }),
  ofGuards('quarantine.losses', 'flapLimit', {
    summary: 'losses and restarts within their window that quarantine a node',
    unit: 'count',
    min: 2,
    max: 1000,
  }),
  ofGuards('quarantine.window', 'flapWindowMs', {
    summary: 'length of that window',
    unit: 'ms',
    min: 60_000,
    max: 7 * dayMs,
  }),
  ofGuards('quarantine.gaps', 'gapLimit', {
    summary: 'gaps in the heartbeats within their window that quarantine a node',
    unit: 'count',
    min: 2,
    max: 64,
  }),
  ofGuards('quarantine.gap-window', 'gapWindowMs', {
    summary: 'length of that window',
    unit: 'ms',
    min: 10_000,
    max: dayMs,
  }),
  ofGuards('quarantine.quiet', 'quietMs', {
    summary: 'how long a quarantined node must be quiet to leave by itself',
    unit: 'ms',
    min: 10_000,
    max: 7 * dayMs,
  }),
  {
    key: 'shutdown.policy',
    summary: 'what becomes of the VMs of a node that its operating system shuts down or reboots',
    unit: 'word',
    words: shutdownPolicies,
    min: 0,
    max: shutdownPolicies.length - 1,
    get: (settings) => shutdownPolicies.indexOf(settings.shutdownPolicy),
    set: (settings, value) => ({
      ...settings,
      shutdownPolicy: shutdownPolicies[value] ?? settings.shutdownPolicy,
    }),
  },
  {
    key: 'shutdown.reboot-patience',
    summary: 'how long a node that said that it reboots may be silent before it counts as lost',
    unit: 'ms',
    min: 10_000,
    max: dayMs,
    get: (settings) => settings.rebootPatienceMs,
    set: (settings, value) => ({ ...settings, rebootPatienceMs: value }),
  },
  {
    key: 'isolation.peer-hold',
    summary: 'nodes that fence themselves are held by the others while no leader is heard',
    unit: 'word',
    words: ['off', 'on'],
    min: 0,
    max: 1,
    get: (settings) => Number(settings.peerHold),
    set: (settings, value) => ({ ...settings, peerHold: value === 1 }),
  },
  ofStarts('starts.per-node', 'maxStartsPerNode', 'VMs that start at once on one node'),
  ofStarts(
    'starts.per-storage',
    'maxStartsPerStorage',
    'VMs with disks on one storage that start at once',
  ),
];

/** Changes settings, all of them or none. One that is a word is given as that word, or by its number. */
export function changeSettings(
  draft: Draft,
  values: Readonly<Record<string, number | string>>,
): Outcome<ClusterSettings> {
  let next = draft.state.settings;
  for (const [key, given] of Object.entries(values)) {
    const setting = settingList.find((one) => one.key === key);
    const value = numberOf(setting, given);
    const because = setting === undefined ? `there is no setting ${key}` : refusal(setting, value);
    if (setting === undefined || because !== null) {
      return problem({
        code: 'E_SPEC_INVALID',
        what: 'the settings are not changed',
        because: because ?? '',
        so: 'all of them are as they were',
        try: ['kennel settings show'],
      });
    }
    next = setting.set(next, value);
  }
  draft.put(next);
  draft.event({
    code: 'SETTINGS_CHANGED',
    severity: 'info',
    node: null,
    vm: null,
    text: Object.entries(values)
      .map(([key, value]) => `${key} is ${value}`)
      .join(', '),
  });
  return ok(next);
}

/** NaN for a word that is not the setting's. */
function numberOf(setting: Setting | undefined, given: number | string): number {
  if (typeof given === 'number') return given;
  const index = setting?.words?.indexOf(given) ?? -1;
  return index < 0 ? Number.NaN : index;
}

function refusal(setting: Setting, value: number): string | null {
  const { key, min, max, unit, words } = setting;
  if (words !== undefined) {
    return words[value] === undefined ? `${key} is one of ${words.join(', ')}` : null;
  }
  if (unit !== 'share' && !Number.isInteger(value)) return `${key} is a whole number`;
  if (value >= min && value <= max) return null;
  return `${key} is ${value}, it must be from ${min} to ${max}${unit === 'ms' ? ' ms' : ''}`;
}
