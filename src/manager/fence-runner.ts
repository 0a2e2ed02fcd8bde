import type { FenceAttempt } from '../core/model/fence-operation.ts';
import type { FenceId, NodeId } from '../core/model/ids.ts';
import type { PowerReading } from '../core/model/proof.ts';
import type { FenceObservation } from '../core/observations.ts';
import type { FenceRequest } from '../core/plan.ts';
import type { Env } from '../env/env.ts';
import type { DeviceQueues } from '../../fencing/device-queue.ts';
import { startFenceExecution, type FenceExecution } from '../../fencing/operation.ts';
import type { FenceDrivers } from '../../fencing/registry.ts';
import { withAttempt, withReading } from './fence-memory.ts';
import type { ObservationBook } from './observation-book.ts';

/** How long the question whether to act stays open before the execution asks again, in ms. */
const mayActTimeoutMs = 5000;

interface Running {
  readonly execution: FenceExecution;
  readonly node: NodeId;
  /** The topology it works on, as text, to notice another one. */
  readonly levels: string;
  mayAct: boolean;
  /** Devices that it is committed of that they may be told. */
  told: readonly string[];
  /** The execution's open question: may these devices be told? */
  question: Question | null;
  /** Resolves when no driver call of it is under way; null while it is wanted. */
  ending: Promise<void> | null;
}

interface Question {
  readonly devices: readonly string[];
  answer(allowed: boolean): void;
}

export interface FenceRunnerOptions {
  readonly env: Env;
  readonly drivers: FenceDrivers;
  readonly queues: DeviceQueues;
  readonly book: ObservationBook;
  secretsOf(node: NodeId, device: string): Promise<Readonly<Record<string, string>>>;
  /** True when a quorum confirmed this leadership in a round that began after the call. */
  confirm(): Promise<boolean>;
  /** Something was observed that a decision may depend on. */
  onObserved(): void;
}

/** Keeps an execution running for each fence operation that the plan asks for, and no other. */
export class FenceRunner {
  readonly #options: FenceRunnerOptions;
  /** Those that are wanted, and those that still end. Never two of one operation. */
  readonly #running = new Map<FenceId, Running>();

  constructor(options: FenceRunnerOptions) {
    this.#options = options;
  }

  /**
   * Starts and stops what differs from the plan. An operation whose topology changed begins anew
   * with the next call, once its driver calls have ended.
   */
  reconcile(requests: readonly FenceRequest[]): void {
    const wanted = new Map(requests.map((request) => [request.fence, request]));
    for (const [id, running] of this.#running) {
      const request = wanted.get(id);
      if (request === undefined || levelsOf(request) !== running.levels) {
        void this.#stop(id, running);
      }
    }
    for (const request of requests) {
      const running = this.#running.get(request.fence) ?? this.#start(request);
      if (running.ending !== null) continue;
      running.mayAct = request.mayAct;
      running.told = request.told;
      const { question } = running;
      if (question !== null && isCommitted(running, question.devices)) question.answer(true);
    }
  }

  /** Ends all executions; resolves when no driver call is under way. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map(([id, running]) => this.#stop(id, running)));
  }

  /** A power command to this node's devices may still be in flight. */
  busyWith(node: NodeId): boolean {
    return [...this.#running.values()].some((running) => running.node === node);
  }

  #stop(id: FenceId, running: Running): Promise<void> {
    running.question?.answer(false);
    running.ending ??= running.execution.stop().then(() => {
      this.#running.delete(id);
      this.#options.book.forgetFence(id);
      this.#options.onObserved();
      return undefined;
    });
    return running.ending;
  }

  #start(request: FenceRequest): Running {
    const { env, drivers, queues } = this.#options;
    const { fence, node } = request;
    env.log.info({ fence, node, mayAct: request.mayAct }, 'fence execution starts');
    const execution = startFenceExecution({
      env,
      drivers,
      queues,
      node,
      fenceId: fence,
      levels: request.levels,
      fromLevel: request.level,
      told: request.told,
      secretsOf: (device) => this.#options.secretsOf(node, device),
      mayAct: (devices) => this.#mayAct(fence, devices),
      onLevel: (level) => this.#observe(fence, { level }),
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
    const { mayAct, told } = request;
    const levels = levelsOf(request);
    const running = { execution, node, levels, mayAct, told, question: null, ending: null };
    this.#running.set(fence, running);
    this.#observe(fence, {});
    return running;
  }

  /**
   * True once it is committed that these devices may be told and this manager is confirmed as the
   * leader: a device knows no epochs, so a leader that was held up must not carry on where another
   * one has taken over. False when that takes too long.
   */
  async #mayAct(fence: FenceId, devices: readonly string[]): Promise<boolean> {
    const running = this.#running.get(fence);
    if (running === undefined || running.ending !== null) return false;
    if (!isCommitted(running, devices) && !(await this.#ask(fence, running, devices))) return false;
    return this.#options.confirm();
  }

  /** Resolves true as soon as it is committed, false when that takes too long. */
  #ask(fence: FenceId, running: Running, devices: readonly string[]): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.#options.env.timers.after(mayActTimeoutMs, () => {
        running.question?.answer(false);
        this.#observe(fence, {});
      });
      const answer = (allowed: boolean): void => {
        timer.cancel();
        running.question = null;
        resolve(allowed);
      };
      running.question = { devices, answer };
      this.#observe(fence, {});
    });
  }

  #onReading(fence: FenceId, reading: PowerReading): void {
    const before = this.#observation(fence);
    const firstOff = before.firstOffWall === null && reading.power === 'off';
    const errors = new Map(before.errors);
    if (reading.power === 'on' || reading.power === 'off') errors.delete(reading.device);
    this.#observe(fence, {
      readings: withReading(before.readings, reading),
      firstOffWall: firstOff ? this.#options.env.clock.wallIso() : before.firstOffWall,
      errors,
    });
  }

  #onAttempt(fence: FenceId, attempt: FenceAttempt): void {
    this.#options.env.log.info({ fence, ...attempt }, 'fence command');
    this.#observe(fence, { attempts: withAttempt(this.#observation(fence).attempts, attempt) });
  }

  #observation(fence: FenceId): FenceObservation {
    return (
      this.#options.book.fence(fence) ?? {
        readings: [],
        outstanding: false,
        wantsToAct: false,
        wantsToTell: [],
        level: null,
        firstOffWall: null,
        attempts: [],
        errors: new Map(),
      }
    );
  }

  #observe(fence: FenceId, change: Partial<FenceObservation>): void {
    const running = this.#running.get(fence);
    this.#options.book.setFence(fence, {
      ...this.#observation(fence),
      outstanding: running?.execution.outstanding() ?? false,
      wantsToAct: running !== undefined && running.question !== null,
      wantsToTell: running?.question?.devices ?? [],
      ...change,
    });
    this.#options.onObserved();
  }
}

function isCommitted(running: Running, devices: readonly string[]): boolean {
  return running.mayAct && devices.every((device) => running.told.includes(device));
}

function levelsOf(request: FenceRequest): string {
  return JSON.stringify(request.levels);
}
