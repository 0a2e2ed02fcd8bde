import type { AgentCommand, CommandOutcome } from '../src/api/schema/session.ts';
import type { OperationStanding } from './checks.ts';

interface Remembered {
  readonly kind: AgentCommand['kind'];
  readonly vm: string;
  readonly outcome: CommandOutcome;
}

/** Ends that are remembered in any case, beside the last one of every VM. */
const kept = 256;

/**
 * How the operations of this incarnation ended, so that a repeated command gets the same answer and
 * boots nothing twice. Refusals are not kept: nothing was done, so a repeat is simply checked anew.
 */
export class OperationMemory {
  readonly #byOperation = new Map<string, Remembered>();
  readonly #lastOfVm = new Map<string, string>();

  record(command: AgentCommand, outcome: CommandOutcome): void {
    if (outcome.kind === 'refused') return;
    const vm = vmOf(command);
    this.#byOperation.delete(command.operation);
    this.#byOperation.set(command.operation, { kind: command.kind, vm, outcome });
    this.#lastOfVm.set(vm, command.operation);
    this.#forgetOldest();
  }

  standing(command: AgentCommand): OperationStanding {
    const known = this.#byOperation.get(command.operation);
    if (known === undefined) return { kind: 'unknown' };
    if (known.kind !== command.kind || known.vm !== vmOf(command)) return { kind: 'foreign' };
    const { outcome } = known;
    // What is done to a guest once is not done a second time to find out about the first.
    if (command.kind === 'act') return { kind: 'ended', outcome };
    return outcome.kind === 'ambiguous' ? { kind: 'unresolved' } : { kind: 'ended', outcome };
  }

  #forgetOldest(): void {
    if (this.#byOperation.size <= kept + this.#lastOfVm.size) return;
    for (const [operation, { vm }] of this.#byOperation) {
      if (this.#lastOfVm.get(vm) === operation) continue;
      this.#byOperation.delete(operation);
      return;
    }
  }
}

export function vmOf(command: AgentCommand): string {
  return 'permit' in command ? command.permit.vm : command.vm;
}
