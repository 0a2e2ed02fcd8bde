import type { KubeAnswer, KubeApi, KubeFailure, KubeObject } from './kube-api.ts';

/** Objects in one answer: few enough for a server's memory, many enough for few answers. */
const pageSize = 500;

export type Listed<T> =
  | { readonly kind: 'listed'; readonly items: readonly T[]; readonly version: string }
  | { readonly kind: 'failed'; readonly failure: KubeFailure };

interface Page<T> {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly T[] | null;
}

/**
 * All objects under a path, as of one version. Pages whose snapshot was compacted away are asked for
 * once more from the start, then everything at once.
 */
export async function listAll<T extends KubeObject>(
  api: KubeApi,
  path: string,
  signal: AbortSignal,
): Promise<Listed<T>> {
  const attempts = [pageSize, pageSize, null];
  let last: Listed<T> = { kind: 'failed', failure: { kind: 'gone', message: 'not tried' } };
  for (const limit of attempts) {
    last = await listInPages<T>(api, path, limit, signal);
    const isGone = last.kind === 'failed' && last.failure.kind === 'gone';
    if (!isGone || signal.aborted) return last;
  }
  return last;
}

async function listInPages<T>(
  api: KubeApi,
  path: string,
  limit: number | null,
  signal: AbortSignal,
): Promise<Listed<T>> {
  const items: T[] = [];
  let token = '';
  for (;;) {
    const query: Record<string, string> = {};
    if (limit !== null) query['limit'] = String(limit);
    if (token !== '') query['continue'] = token;
    const answer: KubeAnswer = await api.call({ method: 'GET', path, query, signal });
    if (answer.kind === 'failed') return answer;
    const page = answer.body as Page<T>;
    const version = page.metadata?.resourceVersion;
    if (typeof version !== 'string') {
      return { kind: 'failed', failure: { kind: 'transport', message: 'the answer is no list' } };
    }
    for (const item of page.items ?? []) items.push(item);
    token = page.metadata?.continue ?? '';
    if (token === '') return { kind: 'listed', items, version };
  }
}
