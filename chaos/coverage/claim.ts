import type { TestKind } from './catalogue.ts';
import type { ClaimedId } from './claimed-ids.ts';

/** One test, scenario or fault that says that it shows a row of the catalogue. */
export interface Claim extends ClaimedId {
  readonly kind: TestKind;
  /** File of the test, id of the scenario, or `campaign`: what results are found by. */
  readonly source: string;
  readonly title: string;
}
