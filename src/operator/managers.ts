import type { Client } from '../client/client.ts';
import { pause } from './kube/pause.ts';
import type { Env } from '../env/env.ts';

/** What the operator asks of Kennel: the part of its API that objects and what is shown of them need. */
export type Managers = Pick<
  Client,
  | 'status'
  | 'vm'
  | 'failovers'
  | 'maintenance'
  | 'maintainNode'
  | 'createVm'
  | 'editVm'
  | 'moveVm'
  | 'cancelMove'
  | 'startVm'
  | 'stopVm'
  | 'disableVm'
  | 'ignoreVm'
  | 'forgetVm'
  | 'deleteVm'
> & {
  /** Calls back when something happened, until the signal fires. Never rejects. */
  watch(onEvent: () => void, signal: AbortSignal): Promise<void>;
};

const retryMs = 2000;

/** The managers as a client reaches them. */
export function managersOf(client: Client, env: Pick<Env, 'timers' | 'log'>): Managers {
  return {
    ...client,
    watch: async (onEvent, signal) => {
      while (!signal.aborted) {
        const last = await client.lastEvents(null, 1, { signal });
        if (last.kind === 'ok') {
          try {
            const after = last.value.at(-1)?.sequence ?? 0;
            for await (const _ of client.watchEvents(after, { signal })) onEvent();
          } catch (error) {
            env.log.warn({ err: error }, 'the events of the managers cannot be followed');
          }
        }
        await pause(env, retryMs, signal);
      }
    },
  };
}
