import { randomUUID } from 'node:crypto';
import type { NameOperation } from '../../chaos/checkers/name-register.ts';
import type { CreateVm } from '../../src/api/schema/requests.ts';
import type { Client } from '../../src/client/client.ts';

/** After so long a call counts as not answered, ms. */
const answerMs = 5000;
/** Names are used for so long, and never again: a history of one name stays short. */
const ageMs = 4000;
const namesPerAge = 4;

export interface History {
  readonly operations: readonly NameOperation[];
  readonly counts: Readonly<Record<'looks' | 'taken' | 'freed' | 'refused' | 'unanswered', number>>;
}

export interface ClientsOptions {
  readonly clients: readonly Client[];
  /** What every VM is but for its name. */
  readonly spec: CreateVm['spec'];
  readonly goOn: () => boolean;
}

/**
 * Clients that give names of VMs away and take them back through the public API, all at once on the same
 * few names, and note what they were told. A VM is never started: only its record matters.
 */
export async function recordNames({ clients, spec, goOn }: ClientsOptions): Promise<History> {
  const operations: NameOperation[] = [];
  const counts = { looks: 0, taken: 0, freed: 0, refused: 0, unanswered: 0 };
  const beganMs = performance.now();
  const work = clients.map(async (client) => {
    while (goOn()) {
      const age = Math.floor((performance.now() - beganMs) / ageMs);
      const name = `name-${age}-${Math.floor(Math.random() * namesPerAge)}`;
      const chance = Math.random();
      const calledAt = performance.now();
      const action =
        chance < 0.45
          ? await look(client, name)
          : await (chance < 0.8 ? take(client, spec, name) : free(client, name));
      const note = (answeredAt: number | null, known: NameOperation['action']): void => {
        operations.push({ name, calledAt, answeredAt, action: known });
      };
      if (action.kind === 'unanswered') {
        counts.unanswered += 1;
        if (action.of !== null) note(null, action.of);
      } else {
        note(performance.now(), action);
        counts[countOf(action)] += 1;
      }
      await pause(20 + Math.random() * 60);
    }
  });
  await Promise.all(work);
  return { operations, counts };
}

/** A look at every name after all is well again: what was acknowledged must be there. */
export async function lookAtAll(
  client: Client,
  operations: readonly NameOperation[],
): Promise<readonly NameOperation[]> {
  const calledAt = performance.now();
  const vms = await client.vms({ timeoutMs: 30_000 });
  if (vms.kind === 'problem') throw new Error(`${vms.problem.what}: ${vms.problem.because}`);
  const holders = new Map(vms.value.map(({ name, id }) => [name, id]));
  const answeredAt = performance.now();
  return [...new Set(operations.map(({ name }) => name))].map((name) => {
    const action = { kind: 'look', id: holders.get(name) ?? null } as const;
    return { name, calledAt, answeredAt, action };
  });
}

type Answer =
  | NameOperation['action']
  /** `of`: what may have happened all the same; null = nothing, it was a question. */
  | { readonly kind: 'unanswered'; readonly of: NameOperation['action'] | null };

async function look(client: Client, name: string): Promise<Answer> {
  const said = await client.vm(name, { timeoutMs: answerMs });
  if (said.kind === 'ok') return { kind: 'look', id: said.value.id };
  if (said.problem.code === 'E_NOT_FOUND') return { kind: 'look', id: null };
  return { kind: 'unanswered', of: null };
}

async function take(client: Client, spec: CreateVm['spec'], name: string): Promise<Answer> {
  const id = randomUUID();
  const body: CreateVm = { id, spec: named(spec, name), desired: 'stopped', node: null };
  const said = await client.createVm(body, { timeoutMs: answerMs });
  if (said.kind === 'ok') return { kind: 'take', id, isRefused: false };
  if (said.problem.code === 'E_CONFLICT') return { kind: 'take', id, isRefused: true };
  return { kind: 'unanswered', of: { kind: 'take', id, isRefused: false } };
}

async function free(client: Client, name: string): Promise<Answer> {
  const said = await client.forgetVm(name, { timeoutMs: answerMs });
  if (said.kind === 'ok') return { kind: 'free', id: said.value.id };
  if (said.problem.code === 'E_NOT_FOUND') return { kind: 'free', id: null };
  return { kind: 'unanswered', of: { kind: 'free', id: null } };
}

function named(spec: CreateVm['spec'], name: string): CreateVm['spec'] {
  const disks = spec.disks.map((disk) => ({
    ...disk,
    source: { kind: 'sharedFile', path: `/vms/${name}.qcow2` } as const,
  }));
  return { ...spec, name, disks };
}

function countOf(action: NameOperation['action']): 'looks' | 'taken' | 'freed' | 'refused' {
  if (action.kind === 'look') return 'looks';
  if (action.kind === 'free') return action.id === null ? 'refused' : 'freed';
  return action.isRefused ? 'refused' : 'taken';
}

export function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}
