import type { Cursor } from './cursor.ts';
import type { VmFile } from './vm-file.ts';

type Wanted = Pick<VmFile, 'desired' | 'limits'>;

const strategies = [
  'Always',
  'Halted',
  'RerunOnFailure',
  'Once',
  'Manual',
  'WaitAsReceiver',
] as const;

/** What is wanted of a VM, by `running` or `runStrategy` of its spec. */
export function desiredOf(spec: Cursor): Wanted {
  const runningAt = spec.at('running');
  const strategyAt = spec.at('runStrategy');
  const running = runningAt.flag();
  const strategy = strategyAt.oneOf(strategies);
  if (running !== null && strategy !== null) {
    runningAt.refuse('and runStrategy cannot both be given', { isFinal: true });
  }
  if (running !== null) return { desired: running ? 'running' : 'stopped' };
  switch (strategy) {
    case 'Always':
      return { desired: 'running' };
    case 'Halted':
      return { desired: 'stopped' };
    case 'RerunOnFailure':
      strategyAt.lose('weaker', 'a guest that shuts itself down is started again');
      return { desired: 'running' };
    case 'Once':
      strategyAt.lose('weaker', 'it is started elsewhere when its node dies');
      return { desired: 'running', limits: { restarts: 0, relocations: 0 } };
    case 'Manual':
      strategyAt.lose('weaker', 'off until kennel vm start; from then on it is kept running');
      return { desired: 'disabled' };
    case 'WaitAsReceiver':
      strategyAt.refuse('a VM that waits for another cluster’s is not one of its own', {
        isFinal: true,
      });
      return { desired: 'stopped' };
    case null:
      if (!strategyAt.exists) {
        strategyAt.refuse('is missing: whether it is to run', { isFinal: true });
      }
      return { desired: 'stopped' };
    default:
      return strategy satisfies never;
  }
}
