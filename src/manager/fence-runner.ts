import type { FenceAttempt } from '../core/model/fence-operation.ts';
import type { FenceId, NodeId } from '../core/model/ids.ts';
import type { PowerReading } from '../core/model/proof.ts';
import type { FenceObservation } from '../core/observations.ts';
import type { FenceRequest } from '../core/plan.ts';
import type { Env } from '../env/env.ts';
import type { DeviceQueues } from '../../fencing/device-queue.ts';
import { startFenceExecution, type FenceExecution } from '../../fencing/operation.ts';
import type { FenceDrivers } from '../../fencing/registry.ts';
import type { ObservationBook } from './observation-book.ts';

/** Readings kept of one operation; a proof needs the last few of each device. */
const keptReadings = 256;
/** How long the question whether to act stays open before the execution asks again, in ms. */
const mayActTimeoutMs = 5000;

interface Running {
  readonly execution: FenceExecution;
  mayAct: boolean;
  /** Answers the execution's open question. */
  answer: ((allowed: boolean) => void) | null;
}

export interface FenceRunnerOptions {
  readonly env: Env;
  readonly drivers: FenceDrivers;
  readonly queues: DeviceQueues;
  readonly book: ObservationBook;
  secretsOf(node: NodeId, device: string): Promise<Readonly<Record<string, string>>>;
  /** Something was observed that a decision may depend on. */
  onObserved(): void;
}

/** Keeps an execution running for each fence operation that the plan asks for, and no other. */
export class FenceRunner {
  readonly #options: FenceRunnerOptions;
  readonly #running = new Map<FenceId, Running>();
  readonly #stopping = new Set<Promise<void>>();

  constructor(options: FenceRunnerOptions) {
    this.#options = options;
  }

  reconcile(requests: readonly FenceRequest[]): void {
    const wanted = new Set(requests.map((request) => request.fence));
    for (const id of this.#running.keys()) {
      if (!wanted.has(id)) this.#stop(id);
    }
    for (const request of requests) {
      const running = this.#running.get(request.fence) ?? this.#start(request);
      running.mayAct = request.mayAct;
      if (request.mayAct) running.answer?.(true);
    }
  }

  /** Ends all executions; resolves when no driver call is under way. */
  async stopAll(): Promise<void> {
    for (const id of this.#running.keys()) this.#stop(id);
    await Promise.all(this.#stopping);
  }

  /** A power command to this node's devices may still be in flight. */
  busyWith(node: NodeId): boolean {
    return [...this.#running.keys()].some((id) => this.#nodes.get(id) === node);
  }

  readonly #nodes = new Map<FenceId, NodeId>();

  #stop(id: FenceId): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    running.answer?.(false);
    const stopped = running.execution.stop().then(() => {
      this.#stopping.delete(stopped);
      this.#nodes.delete(id);
      this.#options.book.forgetFence(id);
      return undefined;
    });
    this.#stopping.add(stopped);
    this.#running.delete(id);
  }

  #start(request: FenceRequest): Running {
    const { env, drivers, queues } = this.#options;
    const { fence, node } = request;
    this.#nodes.set(fence, node);
    this.#observe(fence, {});
    env.log.info({ fence, node, mayAct: request.mayAct }, 'fence execution starts');
    const execution = startFenceExecution({
      env,
      drivers,
      queues,
      node,
      fenceId: fence,
      levels: request.levels,
      secretsOf: (device) => this.#options.secretsOf(node, device),
      mayAct: () => this.#mayAct(fence),
      onReading: (reading) => this.#onReading(fence, reading),
      onAttempt: (attempt) => this.#onAttempt(fence, attempt),
      onError: (problem) => {
        env.log.warn(
          { fence, node, device: problem.device, code: problem.code, detail: problem.detail },
          'fence device',
        );
        const errors = new Map(this.#observation(fence).errors);
        errors.set(problem.device, { code: problem.code, detail: problem.detail });
        this.#observe(fence, { errors });
      },
    });
    const running: Running = { execution, mayAct: request.mayAct, answer: null };
    this.#running.set(fence, running);
    return running;
  }

  /** Resolves true as soon as `acting` is committed, false when that takes too long. */
  #mayAct(fence: FenceId): Promise<boolean> {
    const running = this.#running.get(fence);
    if (running === undefined) return Promise.resolve(false);
    if (running.mayAct) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = this.#options.env.timers.after(mayActTimeoutMs, () => running.answer?.(false));
      running.answer = (allowed) => {
        timer.cancel();
        running.answer = null;
        resolve(allowed);
      };
      this.#observe(fence, { wantsToAct: true });
    });
  }

  #onReading(fence: FenceId, reading: PowerReading): void {
    const before = this.#observation(fence);
    const firstOff = before.firstOffWall === null && reading.power === 'off';
    const errors = new Map(before.errors);
    if (reading.power === 'on' || reading.power === 'off') errors.delete(reading.device);
    this.#observe(fence, {
      readings: [...before.readings, reading].slice(-keptReadings),
      firstOffWall: firstOff ? this.#options.env.clock.wallIso() : before.firstOffWall,
      errors,
    });
  }

  #onAttempt(fence: FenceId, attempt: FenceAttempt): void {
    this.#options.env.log.info({ fence, ...attempt }, 'fence command');
    this.#observe(fence, { attempts: [...this.#observation(fence).attempts, attempt] });
  }

  #observation(fence: FenceId): FenceObservation {
    return (
      this.#options.book.fence(fence) ?? {
        readings: [],
        outstanding: false,
        wantsToAct: false,
        firstOffWall: null,
        attempts: [],
        errors: new Map(),
      }
    );
  }

  #observe(fence: FenceId, change: Partial<FenceObservation>): void {
    const execution = this.#running.get(fence)?.execution;
    this.#options.book.setFence(fence, {
      ...this.#observation(fence),
      outstanding: execution?.outstanding() ?? false,
      ...change,
    });
    this.#options.onObserved();
  }
}
