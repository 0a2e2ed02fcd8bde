import type { PetterToken, Sighting } from '../petter-core.ts';
import { argumentsOf, pids, statOf, type ProcessStat } from './proc.ts';

/** Daemons that may have a start of a VM in hand; systemd starts them again. */
const daemons: ReadonlySet<string> = new Set(['libvirtd', 'virtqemud']);

/**
 * What a token's end has to kill on a real node: the QEMU processes of its VMs, its agent, and the
 * daemon as it was when the killing began, since what that one was told may still start something. None
 * is asked: neither the agent nor libvirt may be able to answer.
 */
export class NodeProcesses {
  readonly #proc: string;
  readonly #nowMs: () => number;
  readonly #kill: (pid: number) => void;
  /** When the killing for a deadline began. */
  #begun: { readonly deadlineMs: number; readonly atMs: number } | null = null;

  constructor(parts: {
    /** Where the kernel shows processes; `/proc`. */
    readonly proc: string;
    readonly nowMs: () => number;
    /** SIGKILL. */
    readonly kill: (pid: number) => void;
  }) {
    this.#proc = parts.proc;
    this.#nowMs = parts.nowMs;
    this.#kill = parts.kill;
  }

  /** Start of a process on the boot-time clock, ms; null = there is none of that number. */
  startOf(pid: number): number | null {
    return statOf(this.#proc, pid)?.startedMs ?? null;
  }

  /** Kills what it finds. What it killed counts as there until a later look does not find it. */
  look(token: PetterToken, agentStartedMs: number | null): Sighting {
    const begunMs = this.#nowMs();
    if (this.#begun?.deadlineMs !== token.deadlineMs) {
      this.#begun = { deadlineMs: token.deadlineMs, atMs: begunMs };
    }
    const { atMs } = this.#begun;
    const vms = new Set(token.vms);
    let alive = 0;
    for (const pid of pids(this.#proc)) {
      const stat = statOf(this.#proc, pid);
      if (stat === null || isOver(stat)) continue;
      const isAgent = pid === token.agentPid && stat.startedMs === agentStartedMs;
      const isDaemon = daemons.has(stat.comm) && stat.startedMs < atMs;
      if (!isAgent && !isDaemon && !this.#isGuest(stat, vms)) continue;
      alive += 1;
      this.#kill(pid);
    }
    return { begunMs, alive };
  }

  /**
   * A guest that ends has no arguments any more and may still have writes under way: a QEMU that cannot
   * be told apart counts as one of ours until it is gone.
   */
  #isGuest({ pid, comm }: ProcessStat, vms: ReadonlySet<string>): boolean {
    const args = argumentsOf(this.#proc, pid);
    if (args.length === 0) return vms.size > 0 && (comm.startsWith('qemu') || comm === 'kvm');
    const at = args.indexOf('-uuid');
    return at >= 0 && vms.has((args[at + 1] ?? '').toLowerCase());
  }
}

/** It has ended with all its threads; only its number is left. */
function isOver({ state, threads }: ProcessStat): boolean {
  return state === 'X' || (state === 'Z' && threads <= 1);
}
