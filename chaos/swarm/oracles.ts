import type { Recorder } from './recorder.ts';
import type { Sometimes } from './sometimes.ts';

/** Who looks on while a scenario runs. */
export interface Oracles {
  readonly recorder: Recorder;
  readonly sometimes: Sometimes;
}
