import { chainProblems, hashOfRecord, type Link } from './chain.ts';
import {
  exportSchema,
  failoverSchema,
  fenceSchema,
  proofSchema,
  type Failover,
  type Fence,
} from './evidence.ts';
import { proofProblems } from './proof.ts';

/** What was found of one record. */
export interface RecordVerdict {
  readonly id: string;
  readonly node: string;
  readonly outcome: string;
  /** Kind of its proof; null = it has none. */
  readonly proof: string | null;
  readonly problems: readonly string[];
  /** What could not be checked, and why. */
  readonly notes: readonly string[];
}

export interface Verdict {
  readonly records: readonly RecordVerdict[];
  /** Of the chain, or of the export as a whole. */
  readonly problems: readonly string[];
}

/**
 * Checks an export of failover records (`kennel failover export`) with nothing but itself: every proof
 * by its own evidence, every record by its hash, all of them by the chain. Needs no cluster, and
 * shares no code with the managers.
 */
export function verifyExport(given: unknown): Verdict {
  const parsed = exportSchema.safeParse(given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = issue?.path.join('.') ?? '';
    return { records: [], problems: [`not an export: ${where} ${issue?.message ?? ''}`.trim()] };
  }
  const { records, chain } = parsed.data;
  const links: Link[] = [];
  const verdicts = records.map((record) => {
    const failover = failoverSchema.safeParse(record.failover);
    if (!failover.success) return unreadable(record.failover, failover.error.issues[0]?.message);
    const { id, hash, previousHash } = failover.data;
    if (hash !== null) links.push({ id, hash, previousHash });
    return recordVerdict(failover.data, record);
  });
  return { records: verdicts, problems: chainProblems(links, chain) };
}

function unreadable(given: unknown, message: string | undefined): RecordVerdict {
  const id = failoverSchema.pick({ id: true }).safeParse(given).data?.id ?? '?';
  const problems = [`the record cannot be read: ${message ?? ''}`];
  return { id, node: '?', outcome: '?', proof: null, problems, notes: [] };
}

function recordVerdict(
  failover: Failover,
  raw: { readonly failover?: unknown; readonly fence?: unknown },
): RecordVerdict {
  const problems: string[] = [];
  const notes: string[] = [];
  const fence = fenceOf(raw.fence, failover, problems, notes);
  if (failover.hash === null) {
    if (failover.outcome !== 'open') problems.push('it is over and was not sealed');
    else notes.push('it is open');
  } else if (failover.hash !== hashOfRecord(raw.failover)) {
    problems.push('its hash is not that of what it says');
  }
  const proof = failover.proof === null ? null : proofSchema.safeParse(failover.proof);
  if (proof === null) {
    if (failover.outcome === 'completed') problems.push('it is completed and has no proof');
  } else if (!proof.success) {
    problems.push(`its proof cannot be read: ${proof.error.issues[0]?.message ?? ''}`);
  } else {
    const { kind } = proof.data;
    for (const one of proofProblems(proof.data, fence)) {
      problems.push(`${kind} does not hold: ${one}`);
    }
    if (fence !== null && !isProofOf(fence, failover.proof)) {
      problems.push(`${fence.id} has another proof`);
    }
  }
  for (const one of vmProblems(failover)) {
    // The proof that they were given away by was disproved afterwards, and is in the operation.
    if (fence !== null && fence.revoked.length > 0) notes.push(one);
    else problems.push(one);
  }
  return {
    id: failover.id,
    node: failover.node,
    outcome: failover.outcome,
    proof: proof?.data?.kind ?? null,
    problems,
    notes,
  };
}

function fenceOf(
  given: unknown,
  failover: Failover,
  problems: string[],
  notes: string[],
): Fence | null {
  if (given === null || given === undefined) {
    notes.push(`${failover.fence} is no longer kept`);
    return null;
  }
  const fence = fenceSchema.safeParse(given);
  if (!fence.success) {
    problems.push(`${failover.fence} cannot be read: ${fence.error.issues[0]?.message ?? ''}`);
    return null;
  }
  if (fence.data.id !== failover.fence) problems.push(`it comes with ${fence.data.id}`);
  if (fence.data.node !== failover.node) problems.push(`${fence.data.id} is of ${fence.data.node}`);
  return fence.data;
}

/** The one that it stands on, or one that signs of life disproved later. */
function isProofOf(fence: Fence, proof: unknown): boolean {
  const text = JSON.stringify(proof);
  return [fence.proof, ...fence.revoked.map((one) => one.proof)].some(
    (one) => JSON.stringify(one) === text,
  );
}

/** Nothing of a node is given away, and nothing started, without a proof. */
function vmProblems(failover: Failover): readonly string[] {
  return failover.vms.flatMap((vm) => {
    const problems: string[] = [];
    if (vm.from !== failover.node) problems.push(`${vm.name} was of ${vm.from}`);
    if (vm.placedAt !== null && failover.proof === null) {
      problems.push(`${vm.name} was given away without a proof`);
    }
    if (vm.startedAt !== null && vm.to === null) problems.push(`${vm.name} was started nowhere`);
    return problems;
  });
}
