import { HostClock } from '../../../chaos/sim/clock.ts';
import { LogRing } from '../../../chaos/sim/log.ts';
import { randomFromSeed } from '../../../chaos/sim/random.ts';
import { VirtualTime } from '../../../chaos/sim/virtual-time.ts';
import type { Env } from '../../env/env.ts';
import type { Resource } from '../kube/resource.ts';
import { FakeKube } from './fake-kube.ts';

export const things: Resource = {
  group: 'kennel.dev',
  version: 'v1alpha1',
  plural: 'things',
  kind: 'Thing',
  isNamespaced: true,
};

/** Virtual time, a fake API server, and what the machinery needs of the world. */
export class OperatorBench {
  readonly time = new VirtualTime();
  readonly log = new LogRing(this.time);
  readonly env: Pick<Env, 'timers' | 'clock' | 'random' | 'log'>;
  readonly kube: FakeKube;
  readonly ending = new AbortController();

  constructor(resources: readonly Resource[] = [things]) {
    const clock = new HostClock(this.time);
    clock.boot(1000);
    const timers: Env['timers'] = {
      after: (delayMs, action) => this.time.schedule(delayMs, action),
    };
    this.env = { clock, timers, random: randomFromSeed(7), log: this.log.from('operator') };
    this.kube = new FakeKube(timers, resources);
  }

  /** Runs virtual time until the condition holds; fails with the log when it never does. */
  async until(condition: () => boolean, withinMs = 20_000): Promise<void> {
    if (await this.time.runUntil(condition, withinMs)) return;
    throw new Error(`not within ${withinMs} ms:\n${this.log.lines().slice(-30).join('\n')}`);
  }

  async wait<T>(promise: Promise<T>, withinMs = 60_000): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await this.until(() => isSettled, withinMs);
    return promise;
  }

  /** A thing of a spec, made the way kubectl does. */
  put(name: string, spec: unknown = { size: 1 }, namespace = 'default'): Promise<unknown> {
    return this.kube.call({
      method: 'PATCH',
      path: `/apis/kennel.dev/v1alpha1/namespaces/${namespace}/things/${name}`,
      query: { fieldManager: 'kubectl' },
      body: { metadata: { name, namespace }, spec },
    });
  }

  remove(name: string, namespace = 'default'): Promise<unknown> {
    return this.kube.call({
      method: 'DELETE',
      path: `/apis/kennel.dev/v1alpha1/namespaces/${namespace}/things/${name}`,
    });
  }
}
