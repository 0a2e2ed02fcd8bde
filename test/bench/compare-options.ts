import { parseArgs } from 'node:util';
import { join, resolve } from 'node:path';
import type { DetectionProfile } from '../../src/core/model/settings.ts';
import { wholeNumber } from './failover-options.ts';
import type { PacemakerConfig } from './pacemaker-bench.ts';

export type Contestant =
  | {
      readonly product: 'kennel';
      readonly name: string;
      readonly profile: DetectionProfile;
      readonly settleMs: number;
    }
  | { readonly product: 'pacemaker'; readonly name: string; readonly config: PacemakerConfig };

/** What can be compared: each product as it comes, and tuned to be fast. */
const contestants: readonly Contestant[] = [
  { product: 'kennel', name: 'kennel-default', profile: 'default', settleMs: 2000 },
  {
    product: 'pacemaker',
    name: 'pacemaker-default',
    config: { label: 'default', token: '', totem: '' },
  },
  { product: 'kennel', name: 'kennel-fast', profile: 'fast', settleMs: 500 },
  {
    product: 'pacemaker',
    name: 'pacemaker-token1000',
    config: { label: 'token1000', token: '1000', totem: ' token_coefficient: 0' },
  },
  {
    product: 'pacemaker',
    name: 'pacemaker-token500',
    config: { label: 'token500', token: '500', totem: ' token_coefficient: 0' },
  },
];

export interface CompareOptions {
  readonly runs: number;
  readonly vms: readonly number[];
  readonly contestants: readonly Contestant[];
  readonly bmcDelayMs: number;
  /** Directory of the Pacemaker bench. */
  readonly pacemaker: string;
  readonly install: boolean;
  readonly directory: string;
  readonly json: string | null;
}

const usualContestants = 'kennel-default,pacemaker-default,kennel-fast,pacemaker-token1000';

export const compareUsage = `usage: npm run bench:compare -- [options]
  --runs N             repetitions of each (default 3)
  --vms N[,N...]       VMs on the victim (default 1)
  --of NAME[,NAME...]  ${contestants.map((each) => each.name).join(', ')}
                       (default all but the last)
  --bmc-delay MS       time the BMC takes for off (default 0)
  --pacemaker DIR      where the bench of Pacemaker lies (default ../shared/bench/pacemaker)
  --install            install Corosync and Pacemaker with apt-get first
  --json FILE          write {runs, failed, summaries} there
  --directory DIR      work in new directories below DIR (default /var/tmp)`;

/** @throws Error with one sentence when an option cannot be used. */
export function parseCompareOptions(argv: readonly string[], checkout: string): CompareOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      runs: { type: 'string', default: '3' },
      vms: { type: 'string', default: '1' },
      of: { type: 'string', default: usualContestants },
      'bmc-delay': { type: 'string', default: '0' },
      pacemaker: { type: 'string', default: join(checkout, '..', 'shared', 'bench', 'pacemaker') },
      install: { type: 'boolean', default: false },
      json: { type: 'string' },
      directory: { type: 'string', default: '/var/tmp' },
    },
  });
  return {
    runs: wholeNumber('--runs', values.runs, 1, 1000),
    vms: values.vms.split(',').map((each) => wholeNumber('--vms', each, 1, 4000)),
    contestants: values.of.split(',').map(contestant),
    bmcDelayMs: wholeNumber('--bmc-delay', values['bmc-delay'], 0, 600_000),
    pacemaker: resolve(values.pacemaker),
    install: values.install,
    directory: values.directory,
    json: values.json ?? null,
  };
}

function contestant(name: string): Contestant {
  const found = contestants.find((each) => each.name === name);
  if (found !== undefined) return found;
  const names = contestants.map((each) => each.name).join(', ');
  throw new Error(`--of ${name}: not one of ${names}`);
}
