/** Bounds of the agent's own work. Cluster-wide times come from the manager's `welcome` instead. */
export interface AgentTuning {
  /** Starts under way at once; the others wait. Keeps a mass recovery from overrunning storage. */
  readonly maxStarts: number;
  /** Domains being stopped at once; the others wait. Keeps a mass stop from starving heartbeats. */
  readonly maxStops: number;
  /** Commands accepted and not over yet; beyond it commands are refused. */
  readonly maxPending: number;
  /** Changes within this time go into one report. */
  readonly reportDebounceMs: number;
  /** Domains are listed at least this often, whatever the hypervisor announces. */
  readonly relistMs: number;
  /** The same while the hypervisor does not answer. */
  readonly relistUnreachableMs: number;
  /** What domains use is measured that often. */
  readonly usageMs: number;
  /** A list call that takes longer counts as no answer, until it does answer. */
  readonly listTimeoutMs: number;
  /** How long reports wait, after the hypervisor answers, for starts that an earlier incarnation left. */
  readonly settleMs: number;
  /** How long the effect of a call with an unknown end is looked for. */
  readonly resolveMs: number;
  /** How long a domain may take to be gone for certain, after any guest shutdown. */
  readonly goneMs: number;
  /** How often the call of a migration is looked after: whether anything is copied at all. */
  readonly copyLookMs: number;
  /** Pause between two looks while waiting for an effect. */
  readonly lookMs: number;
  /** A state file that could not be written is tried again this often. */
  readonly stateRetryMs: number;
  /** How long the hypervisor may be silent before its daemon is restarted; doubles each time. */
  readonly restartAfterMs: number;
  readonly maxRestartPauseMs: number;
  readonly restartTimeoutMs: number;
  /** Answering for so long makes the next silence a new trouble. */
  readonly restartForgetMs: number;
  readonly dialTimeoutMs: number;
  /** From hello to welcome. */
  readonly welcomeTimeoutMs: number;
  /** How long `stop` waits for calls that are under way. */
  readonly stopMs: number;
}

export const defaultTuning: AgentTuning = {
  maxStarts: 8,
  maxStops: 8,
  maxPending: 4096,
  reportDebounceMs: 50,
  relistMs: 10_000,
  usageMs: 15_000,
  relistUnreachableMs: 1000,
  listTimeoutMs: 4000,
  settleMs: 2000,
  resolveMs: 10_000,
  goneMs: 45_000,
  copyLookMs: 5000,
  lookMs: 500,
  stateRetryMs: 5000,
  restartAfterMs: 15_000,
  maxRestartPauseMs: 300_000,
  restartTimeoutMs: 60_000,
  restartForgetMs: 300_000,
  dialTimeoutMs: 5000,
  welcomeTimeoutMs: 5000,
  stopMs: 5000,
};
