import type { AgentCommand, AgentMessage, CommandOutcome } from '../src/api/schema/session.ts';
import { vmId } from '../src/core/model/ids.ts';
import type { Env } from '../src/env/env.ts';
import type { ChangeSignal } from './change-signal.ts';
import { checkCommand, isResolved, refused } from './checks.ts';
import type { CheckView, CommandEnvelope, OperationStanding, Refused } from './checks.ts';
import type { DomainList } from './domain-list.ts';
import type { Hypervisor } from './hypervisor.ts';
import type { Lease } from './lease.ts';
import { OperationMemory, vmOf } from './operation-memory.ts';
import { abortVm, migrateVm, prepareVm, resolveMigration, resumeVm } from './migration.ts';
import { permitVm, releaseVm, resolvePermit, resolveStart, startVm } from './operations.ts';
import type { OperationTools } from './operations.ts';
import { actOnVm } from './act.ts';
import type { StateFile } from './state-file.ts';
import { begun, ended, raised } from './state-format.ts';
import type { AgentTuning } from './tuning.ts';
import { Turns } from './turns.ts';

/** Where an answer goes: the session that asked. */
export interface Asker {
  answer(message: AgentMessage): void;
}

export interface ExecutorOptions {
  readonly env: Env;
  readonly hypervisor: Hypervisor;
  readonly domains: DomainList;
  readonly changes: ChangeSignal;
  readonly state: StateFile;
  readonly tuning: AgentTuning;
  readonly self: Pick<CheckView, 'clusterId' | 'node' | 'bootId' | 'incarnation'>;
  readonly lease: () => Lease;
  /** Called after each command: what the hypervisor says may have changed. */
  readonly onEnd: () => void;
}

interface Job {
  readonly command: AgentCommand;
  /** Of the newest leader that asked for it. */
  envelope: CommandEnvelope;
  readonly askers: Set<Asker>;
  /** A repeat of something whose end is not known. */
  readonly resolve: boolean;
  running: boolean;
  /** Its token is on disk; from then on that token is its own and no longer one seen before. */
  recorded: boolean;
  /** Of a release: latest end of the guest's own time to shut down, monotonic ms. */
  graceEndMs: number;
}

const inspectedXmlMax = 1024 * 1024;
const textMax = 4096;

/**
 * Runs accepted commands: one at a time per VM, at most `maxStarts` starts at once, releases first.
 * Releases wait for their guests side by side, and stop their domains in turns (`maxStops`).
 * Each is checked when it arrives, when its turn comes, and right before its effect. What may not
 * be forgotten is on disk before the effect it guards.
 */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #memory = new OperationMemory();
  readonly #stops: Turns;
  /** Every accepted operation that is not over, in order of arrival. */
  readonly #jobs = new Map<string, Job>();
  readonly #busyVms = new Set<string>();
  #startsRunning = 0;
  #running = 0;
  #stopping = false;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#stops = new Turns(options.env.timers, options.tuning.maxStops);
  }

  /** Accepted commands that are not over. */
  get pending(): number {
    return this.#jobs.size;
  }

  /** Takes a command. The asker is answered when it is over, which may be at once. */
  take(command: AgentCommand, envelope: CommandEnvelope, asker: Asker): void {
    if (this.#stopping) return;
    const running = this.#jobs.get(command.operation);
    const verdict = checkCommand(command, envelope, this.#view(command, running));
    if (verdict.kind === 'refused') {
      this.#answer(asker, command, verdict);
      return;
    }
    this.#options.state.meetEpoch(envelope.epoch);
    switch (verdict.kind) {
      case 'ended':
        this.#answer(asker, command, verdict.outcome);
        break;
      case 'inFlight':
        if (running === undefined) break;
        running.askers.add(asker);
        if (envelope.epoch > running.envelope.epoch) running.envelope = envelope;
        break;
      case 'accept':
      case 'resolve':
        this.#accept(command, envelope, asker, verdict.kind === 'resolve');
        break;
      default:
        verdict satisfies never;
    }
  }

  /** No further effect begins. Waits for the calls under way, `stopMs` at most. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const { env, changes, tuning } = this.#options;
    const endMs = env.clock.monotonicMs() + tuning.stopMs;
    changes.notify();
    while (this.#running > 0) {
      const leftMs = endMs - env.clock.monotonicMs();
      if (leftMs <= 0) return;
      await changes.wait(leftMs);
    }
  }

  #accept(command: AgentCommand, envelope: CommandEnvelope, asker: Asker, resolve: boolean): void {
    const { tuning } = this.#options;
    if (this.#jobs.size >= tuning.maxPending) {
      const text = `${tuning.maxPending} commands are under way already`;
      this.#answer(asker, command, refused('conflict', text));
      return;
    }
    if (command.kind === 'release') this.#hurry(command.vm, command.graceMs);
    this.#jobs.set(command.operation, {
      command,
      envelope,
      askers: new Set([asker]),
      resolve,
      running: false,
      recorded: false,
      graceEndMs: Number.POSITIVE_INFINITY,
    });
    this.#pump();
  }

  /** A later release with less patience shortens the one that waits for the guest. */
  #hurry(vm: string, graceMs: number): void {
    const endMs = this.#options.env.clock.monotonicMs() + graceMs;
    for (const job of this.#jobs.values()) {
      if (job.command.kind !== 'release' || job.command.vm !== vm) continue;
      job.graceEndMs = Math.min(job.graceEndMs, endMs);
    }
    this.#options.changes.notify();
  }

  #pump(): void {
    if (this.#stopping) return;
    const waiting = [...this.#jobs.values()].filter((job) => !job.running);
    // Releases go first: a start that waits behind one is then refused instead of booted and shot.
    for (const job of waiting) if (job.command.kind === 'release') this.#tryRun(job);
    for (const job of waiting) if (!job.running) this.#tryRun(job);
  }

  #tryRun(job: Job): void {
    const { command } = job;
    const vm = vmOf(command);
    // What ends a migration must not wait behind it.
    const alone = command.kind !== 'inspect' && command.kind !== 'abort';
    const isStart = command.kind === 'start';
    if (alone && this.#busyVms.has(vm)) return;
    if (isStart && this.#startsRunning >= this.#options.tuning.maxStarts) return;
    job.running = true;
    this.#running += 1;
    if (alone) this.#busyVms.add(vm);
    if (isStart) this.#startsRunning += 1;
    void this.#run(job).finally(() => {
      this.#running -= 1;
      if (alone) this.#busyVms.delete(vm);
      if (isStart) this.#startsRunning -= 1;
      this.#jobs.delete(command.operation);
      this.#options.changes.notify();
      this.#options.onEnd();
      this.#pump();
    });
  }

  async #run(job: Job): Promise<void> {
    const { command } = job;
    const { log } = this.#options.env;
    const fields = { operation: command.operation, vm: vmOf(command), epoch: job.envelope.epoch };
    log.info(fields, `${command.kind} begins`);
    if (command.kind === 'inspect') {
      const answer = await this.#inspect(job, command);
      for (const asker of job.askers) asker.answer(answer);
      return;
    }
    const outcome = await this.#execute(job);
    this.#memory.record(command, outcome);
    // Guards nothing, so nobody waits for it.
    if (job.recorded) {
      void this.#options.state.update((current) => ended(current, command.operation));
    }
    log.info({ ...fields, outcome }, `${command.kind} ends`);
    for (const asker of job.askers) this.#answer(asker, command, outcome);
  }

  async #execute(job: Job): Promise<CommandOutcome> {
    const { command } = job;
    const tools = this.#tools(job);
    if (job.resolve) return this.#resolve(command, tools);
    const no = this.#recheck(job);
    if (no !== null) return no;
    switch (command.kind) {
      case 'start':
        return startVm(tools, command);
      case 'permit':
        return permitVm(tools, command);
      case 'resume':
        return resumeVm(tools, command);
      case 'act':
        return actOnVm(tools, command);
      case 'prepare':
        return prepareVm(tools, command);
      case 'migrate':
        return migrateVm(tools, command);
      case 'abort':
        return abortVm(tools, command);
      case 'release':
        job.graceEndMs = Math.min(
          job.graceEndMs,
          this.#options.env.clock.monotonicMs() + command.graceMs,
        );
        return releaseVm(tools, command);
      case 'inspect':
        throw new Error('inspect has no outcome');
      default:
        return command satisfies never;
    }
  }

  /** A command whose effect was asked for is never refused, see `checkCommand`. */
  async #resolve(command: AgentCommand, tools: OperationTools): Promise<CommandOutcome> {
    const unrecorded = await tools.record();
    if (unrecorded !== null) return { kind: 'ambiguous', detail: unrecorded.detail };
    if (!isResolved(command)) throw new Error(`${command.kind} is not resolved, it is done again`);
    switch (command.kind) {
      case 'start':
        return resolveStart(tools, command);
      case 'permit':
        return resolvePermit(tools, command);
      case 'resume':
        return resumeVm(tools, command);
      case 'migrate':
        return resolveMigration(tools, command);
      default:
        return command satisfies never;
    }
  }

  async #inspect(
    job: Job,
    command: Extract<AgentCommand, { kind: 'inspect' }>,
  ): Promise<AgentMessage> {
    const { operation } = command;
    const { state, hypervisor } = this.#options;
    const { epoch } = job.envelope;
    if (!state.covers({ epoch })) {
      const written = await state.update((current) => raised(current, { epoch }));
      if (written.kind === 'failed') {
        return { kind: 'result', operation, outcome: refused('stateDisk', written.because) };
      }
    }
    const no = this.#recheck(job);
    if (no !== null) return { kind: 'result', operation, outcome: no };
    const result = await hypervisor.xml(vmId(command.vm));
    if (result.kind === 'ok' && result.value.length <= inspectedXmlMax) {
      return { kind: 'xml', operation, xml: result.value, detail: '' };
    }
    const detail = result.kind === 'ok' ? 'its XML is longer than 1 MiB' : result.message;
    return { kind: 'xml', operation, xml: null, detail: detail.slice(0, textMax) };
  }

  #tools(job: Job): OperationTools {
    const { env, hypervisor, domains, changes, tuning } = this.#options;
    return {
      clock: env.clock,
      hypervisor,
      domains,
      changes,
      tuning,
      lookMs: tuning.lookMs,
      turns: this.#stops,
      stopping: () => this.#stopping,
      record: () => this.#record(job),
      recheck: () => this.#recheck(job),
      graceEndMs: () => job.graceEndMs,
      isMigrating: (of, token) => this.#isMigrating(of, token),
    };
  }

  async #record(job: Job): Promise<Refused | null> {
    const { command, envelope } = job;
    if (command.kind === 'inspect') return null;
    const { state, self } = this.#options;
    const vm = vmOf(command);
    const token = tokenOf(command);
    const { operation, kind } = command;
    const entry = { operation, kind, vm, token, incarnation: self.incarnation };
    const { epoch } = envelope;
    const isCovered = state.covers({ epoch, vm, token });
    const written = state.update((current) => begun(current, epoch, entry));
    // A release guards nothing but its token: with that on disk it works while the disk is full.
    if (kind !== 'release' || !isCovered) {
      const result = await written;
      if (result.kind === 'failed') return refused('stateDisk', result.because);
    }
    job.recorded = true;
    return null;
  }

  /** The checks at this instant, for a command whose own token counts as not seen yet. */
  #recheck(job: Job): Refused | null {
    const { command, envelope } = job;
    if (this.#stopping) return refused('conflict', 'the agent is stopping');
    if (job.recorded && !this.#options.state.covers({ epoch: envelope.epoch })) {
      return refused('stateDisk', `epoch ${envelope.epoch} is not on disk yet`);
    }
    const view = this.#view(command, undefined);
    let { tokenSeen } = view;
    if (command.kind !== 'inspect' && command.kind !== 'release' && command.kind !== 'abort') {
      const token = tokenOf(command);
      const { vm } = command.permit;
      if (this.#isReleasing(vm, token)) return refused('token', `token ${token} is being released`);
      if (job.recorded && tokenSeen === token) tokenSeen = null;
    }
    const unknown = { kind: 'unknown' } as const;
    const verdict = checkCommand(command, envelope, { ...view, tokenSeen, standing: unknown });
    return verdict.kind === 'refused' ? verdict : null;
  }

  #isReleasing(vm: string, token: number): boolean {
    for (const { command } of this.#jobs.values()) {
      const ends = command.kind === 'release' || command.kind === 'abort';
      if (ends && command.vm === vm && command.token >= token) return true;
    }
    return false;
  }

  /** A migration of the VM by this token, or an older one, is not over. */
  #isMigrating(vm: string, token: number): boolean {
    for (const { command } of this.#jobs.values()) {
      if (command.kind !== 'migrate' || command.permit.vm !== vm) continue;
      if (command.target.token <= token) return true;
    }
    return false;
  }

  #view(command: AgentCommand, running: Job | undefined): CheckView {
    const { env, state, domains, self } = this.#options;
    const vm = vmOf(command);
    const recorded = state.tokenSeen(vm);
    const carried = domains.lastSeen(vm)?.permit?.token ?? null;
    return {
      ...self,
      epochSeen: state.epochSeen,
      tokenSeen:
        recorded === null || carried === null ? (recorded ?? carried) : Math.max(recorded, carried),
      lease: this.#options.lease(),
      nowMs: env.clock.boottimeMs(),
      standing: this.#standing(command, running),
    };
  }

  #standing(command: AgentCommand, running: Job | undefined): OperationStanding {
    if (running === undefined) return this.#memory.standing(command);
    const same = running.command.kind === command.kind && vmOf(running.command) === vmOf(command);
    return { kind: same ? 'inFlight' : 'foreign' };
  }

  #answer(asker: Asker, command: AgentCommand, outcome: CommandOutcome): void {
    const detail = 'detail' in outcome ? { detail: outcome.detail.slice(0, textMax) } : {};
    const { operation } = command;
    asker.answer({ kind: 'result', operation, outcome: { ...outcome, ...detail } });
  }
}

/** The token that a command is about: the newest that it speaks of. */
function tokenOf(command: Exclude<AgentCommand, { kind: 'inspect' }>): number {
  switch (command.kind) {
    case 'release':
    case 'abort':
      return command.token;
    case 'migrate':
      return command.target.token;
    default:
      return command.permit.token;
  }
}
