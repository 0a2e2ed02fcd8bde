import type { Env } from '../../env/env.ts';
import { Controller, type Reconciled } from './controller.ts';
import type { KubeApi } from './kube-api.ts';
import { Reflector } from './reflector.ts';
import type { Resource } from './resource.ts';

/** One kind: what the API server says of it, and what brings its objects to what they should be. */
export interface Followed {
  readonly reflector: Reflector;
  readonly controller: Controller;
}

type Reconcile = (key: string, signal: AbortSignal) => Promise<Reconciled>;

/** Every change of an object has it reconciled, by the function that is made for its store. */
export function follow(
  options: {
    readonly env: Pick<Env, 'timers' | 'clock' | 'random' | 'log'>;
    readonly api: KubeApi;
    readonly resource: Resource;
    /** Objects of that one alone; default of all. */
    readonly namespace?: string;
    readonly workers: number;
    /** Also told of every change. */
    readonly onChange?: (key: string) => void;
  },
  reconcilerOf: (store: Reflector['store']) => Reconcile,
): Followed {
  const { env, api, resource, namespace, workers } = options;
  const told = { change: (_key: string): void => undefined };
  const reflector = new Reflector({
    env,
    api,
    resource,
    namespace,
    onChange: (key) => told.change(key),
  });
  const { store } = reflector;
  const reconcile = reconcilerOf(store);
  const controller = new Controller({ env, name: resource.plural, store, reconcile, workers });
  told.change = (key) => {
    controller.queue.add(key);
    options.onChange?.(key);
  };
  return { reflector, controller };
}
