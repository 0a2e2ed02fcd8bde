import type { HypervisorResult } from '../hypervisor.ts';
import type { CallResult } from './connection.ts';

/** A call that did not succeed, in the words of the hypervisor port. */
export function callFailure(
  result: Exclude<CallResult<unknown>, { readonly kind: 'ok' }>,
): Exclude<HypervisorResult<never>, { readonly kind: 'ok' }> {
  switch (result.kind) {
    case 'error':
      return { kind: 'failed', code: result.error.code, message: result.error.message };
    case 'notSent':
      return { kind: 'failed', code: result.code, message: result.message };
    case 'ambiguous':
      return { kind: 'ambiguous', message: result.message };
    default:
      return result satisfies never;
  }
}
