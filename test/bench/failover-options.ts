import { parseArgs } from 'node:util';
import type { DetectionProfile } from '../../src/core/model/settings.ts';

export type ProofPath = 'bmc' | 'pdu' | 'watchdog';

export interface FailoverOptions {
  readonly vms: number;
  readonly runs: number;
  readonly profile: DetectionProfile;
  /** Time over which the BMC must read Off, in ms. */
  readonly settleMs: number;
  /** How long the BMC takes to answer `off`, in ms. */
  readonly bmcDelayMs: number;
  readonly victim: string;
  /** Managers on as many nodes, on their own store; one keeps it on its disk. */
  readonly managers: 1 | 3;
  /** The victim is the node of the leading manager, whichever that is; else one of the others. */
  readonly killLeader: boolean;
  readonly crash: 'power' | 'cut';
  /**
   * What proves the victim off: its BMC, the outlet behind a BMC that is stuck, or its watchdog's bound
   * beside a BMC that lost its power with the node.
   */
  readonly proof: ProofPath;
  /** Where the results go; null = only to the terminal. */
  readonly json: string | null;
  /** Parent of the working directory; must be on a disk that is worth measuring. */
  readonly directory: string;
  /** Leaves the working directory, with all logs, to be looked at. */
  readonly keep: boolean;
}

export const failoverUsage = `usage: npm run bench:failover -- [options]
  --vms N              VMs on the victim (default 1)
  --runs N             repetitions (default 1)
  --profile NAME       fast, default or conservative (default: default)
  --settle MS          time over which the BMC must read Off (default 2000, the product's default)
  --bmc-delay MS       time the BMC takes for off (default 0)
  --victim NAME        node2 or node3 (default node3); node1 runs the manager
  --managers N         1, or 3: one on each node, on their own store (default 1)
  --kill-leader        the node of the leading manager dies, of three managers
  --crash KIND         power: the node dies at once; cut: its cable is pulled, it runs on
  --proof PATH         bmc; pdu: the BMC is stuck, and the outlet on the second level cuts the
                       power, the victim runs on until then; watchdog: the BMC loses its power
                       with the node, and time proves it dead; the petter is real, its device
                       is a file that resets nothing (default bmc)
  --json FILE          write {runs, summary} there
  --directory DIR      work in a new directory below DIR (default /var/tmp)
  --keep               leave that directory behind`;

/** @throws Error with one sentence when an option cannot be used. */
export function parseFailoverOptions(argv: readonly string[]): FailoverOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      vms: { type: 'string', default: '1' },
      runs: { type: 'string', default: '1' },
      profile: { type: 'string', default: 'default' },
      settle: { type: 'string', default: '2000' },
      'bmc-delay': { type: 'string', default: '0' },
      victim: { type: 'string', default: 'node3' },
      managers: { type: 'string' },
      'kill-leader': { type: 'boolean', default: false },
      crash: { type: 'string' },
      proof: { type: 'string', default: 'bmc' },
      json: { type: 'string' },
      directory: { type: 'string', default: '/var/tmp' },
      keep: { type: 'boolean', default: false },
    },
  });
  if (values.victim === 'leader' || values.victim === 'node1') {
    throw new Error(
      '--victim leader: there is one manager, and nobody is left to act when its own node dies; see --kill-leader',
    );
  }
  const killLeader = values['kill-leader'];
  const managers = oneOf('--managers', values.managers ?? (killLeader ? '3' : '1'), ['1', '3']);
  if (killLeader && managers === '1') {
    throw new Error('--kill-leader: nobody is left to act when the only manager dies');
  }
  const proof = oneOf('--proof', values.proof, ['bmc', 'pdu', 'watchdog']);
  const usual = proof === 'pdu' ? 'cut' : 'power';
  const crash = oneOf('--crash', values.crash ?? usual, ['power', 'cut']);
  if (proof === 'pdu' && crash === 'power') {
    throw new Error('--proof pdu: a BMC that is stuck still reads Off of a node that has no power');
  }
  if (proof === 'watchdog' && crash === 'cut') {
    throw new Error('--proof watchdog: no device here resets a node that runs on');
  }
  return {
    managers: managers === '3' ? 3 : 1,
    killLeader,
    vms: wholeNumber('--vms', values.vms, 1, 4000),
    runs: wholeNumber('--runs', values.runs, 1, 1000),
    profile: oneOf('--profile', values.profile, ['fast', 'default', 'conservative']),
    settleMs: wholeNumber('--settle', values.settle, 100, 600_000),
    bmcDelayMs: wholeNumber('--bmc-delay', values['bmc-delay'], 0, 600_000),
    victim: oneOf('--victim', values.victim, ['node2', 'node3']),
    crash,
    proof,
    json: values.json ?? null,
    directory: values.directory,
    keep: values.keep,
  };
}

export function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new Error(`${option} ${text}: not a whole number from ${min} to ${max}`);
}

function oneOf<const T extends string>(option: string, text: string, words: readonly T[]): T {
  const found = words.find((word) => word === text);
  if (found === undefined) throw new Error(`${option} ${text}: not one of ${words.join(', ')}`);
  return found;
}
