import type { Caller } from '../../api/cluster-service.ts';
import type { Asked } from '../../core/plan.ts';

/** How a caller's change is made; `reason`, where the request itself has one, comes first. */
export function asked(
  { identity, dryRun, reason }: Caller,
  own: string | null = null,
): { readonly dryRun: boolean; readonly asked: Asked } {
  return { dryRun, asked: { by: identity.name, reason: own ?? reason } };
}
