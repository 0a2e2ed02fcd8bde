import type { KubeObject } from '../kube/kube-api.ts';
import { claimOf } from './kube-node.ts';
import { markOf } from './out-of-service.ts';

/** Which Nodes have to do with which hypervisor, kept as Nodes come, change and go. */
export class NodeClaims {
  readonly #store: { get(key: string): KubeObject | undefined };
  /** What each Node was last seen to have to do with. */
  readonly #subjects = new Map<string, readonly string[]>();
  readonly #names = new Map<string, Set<string>>();

  constructor(store: { get(key: string): KubeObject | undefined }) {
    this.#store = store;
  }

  /** Nodes that say they are this hypervisor. */
  claimants(hypervisor: string): readonly KubeObject[] {
    return this.concerned(hypervisor).flatMap((name) => {
      const node = this.#store.get(name);
      return node !== undefined && claimOf(node) === hypervisor ? [node] : [];
    });
  }

  /** Names of Nodes that say they are it, or have a taint of ours for it. */
  concerned(hypervisor: string): readonly string[] {
    return [...(this.#names.get(hypervisor) ?? [])];
  }

  /** Takes in how a Node is now; answers the hypervisors that it has, or had, to do with. */
  note(name: string): readonly string[] {
    const node = this.#store.get(name);
    const before = this.#subjects.get(name) ?? [];
    const now = node === undefined ? [] : subjectsOf(node);
    for (const hypervisor of before) {
      const names = this.#names.get(hypervisor);
      names?.delete(name);
      if (names?.size === 0) this.#names.delete(hypervisor);
    }
    for (const hypervisor of now) {
      const names = this.#names.get(hypervisor) ?? new Set<string>();
      this.#names.set(hypervisor, names.add(name));
    }
    if (now.length === 0) this.#subjects.delete(name);
    else this.#subjects.set(name, now);
    return [...new Set([...before, ...now])];
  }
}

function subjectsOf(node: KubeObject): readonly string[] {
  const claim = claimOf(node);
  const mark = markOf(node);
  return [...(claim === null ? [] : [claim]), ...(mark === null ? [] : [mark.hypervisor])];
}
