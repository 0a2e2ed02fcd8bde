import { duration, flag, text } from './option.ts';

/** The options of every verb that changes the cluster. */
export const changeOptions = {
  dryRun: flag('--dry-run', 'say what would be done, and change nothing'),
  wait: flag('--wait', 'wait until the effect is seen, not only recorded'),
  timeout: duration('--timeout <duration>', 'longest wait of --wait', '60s'),
  reason: text('--reason <text>', 'why; it is kept with the events of the change'),
  yes: flag('-y, --yes', 'do not ask'),
};

/** Values of `changeOptions`. `timeout` is in ms. */
export interface Change {
  readonly dryRun: boolean;
  readonly wait: boolean;
  readonly timeout: number;
  readonly reason: string | null;
  readonly yes: boolean;
}
