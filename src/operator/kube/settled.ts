import type { KubeAnswer } from './kube-api.ts';

/** Written; false when the object is another one by now. Throws what another try may mend. */
export function settled(answer: KubeAnswer): boolean {
  if (answer.kind === 'answered') return true;
  const { kind, message } = answer.failure;
  if (kind === 'notFound' || kind === 'conflict') return false;
  throw new Error(`the API server did not take a change (${kind}): ${message}`);
}
