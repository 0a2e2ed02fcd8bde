import type { MeasuredUse, PlacementNode } from './site-types.ts';

/**
 * Parts of a whole as integers, so that sums are exact: adding and taking away in any order ends
 * at the same numbers, and equal sites choose alike.
 */
const memoryScale = 1_000_000;
const cpuScale = 10_000;

/** What a node carries beyond this counts no further: sums of squares stay exact up to 2,000 nodes. */
const most = { memory: 2, cpu: 64 } as const;

/**
 * How unevenly load lies on the nodes that live: the standard deviation of the share of memory
 * used, plus that of CPUs used per physical CPU. 0 = all alike. The same two terms that htools'
 * cluster score has for nodes on shared storage.
 */
export class LoadSpread {
  readonly #nodes: readonly PlacementNode[];
  readonly #memory: Float64Array;
  readonly #cpus: Float64Array;
  readonly #counted: number;
  #memorySum = 0;
  #memorySquares = 0;
  #cpuSum = 0;
  #cpuSquares = 0;

  constructor(nodes: readonly PlacementNode[]) {
    this.#nodes = nodes;
    this.#memory = new Float64Array(nodes.length);
    this.#cpus = new Float64Array(nodes.length);
    this.#counted = nodes.filter((node) => node.alive).length;
  }

  add(index: number, use: MeasuredUse, sign: 1 | -1): void {
    const [memoryBefore, cpuBefore] = this.#scaled(index, 0, 0);
    this.#memory[index] = (this.#memory[index] ?? 0) + sign * use.memoryMiB;
    this.#cpus[index] = (this.#cpus[index] ?? 0) + sign * use.cpus;
    if (this.#nodes[index]?.alive !== true) return;
    const [memory, cpu] = this.#scaled(index, 0, 0);
    this.#memorySum += memory - memoryBefore;
    this.#memorySquares += memory * memory - memoryBefore * memoryBefore;
    this.#cpuSum += cpu - cpuBefore;
    this.#cpuSquares += cpu * cpu - cpuBefore * cpuBefore;
  }

  /** The spread as it is. */
  now(): number {
    return this.#spread(this.#memorySum, this.#memorySquares, this.#cpuSum, this.#cpuSquares);
  }

  /**
   * The spread relative to the mean load, of memory and CPUs alike: 0 = all nodes alike, 1 = as far
   * from the mean as the mean itself.
   */
  imbalance(): number {
    const n = Math.max(1, this.#counted);
    const memory = this.#memorySum / n;
    const cpu = this.#cpuSum / n;
    const relative = (mean: number, squares: number): number =>
      mean === 0 ? 0 : deviation(mean, squares / n) / mean;
    return (relative(memory, this.#memorySquares) + relative(cpu, this.#cpuSquares)) / 2;
  }

  /** The spread that there would be with more load on a node. */
  with(index: number, use: MeasuredUse): number {
    const [memoryBefore, cpuBefore] = this.#scaled(index, 0, 0);
    const [memory, cpu] = this.#scaled(index, use.memoryMiB, use.cpus);
    return this.#spread(
      this.#memorySum + memory - memoryBefore,
      this.#memorySquares + memory * memory - memoryBefore * memoryBefore,
      this.#cpuSum + cpu - cpuBefore,
      this.#cpuSquares + cpu * cpu - cpuBefore * cpuBefore,
    );
  }

  /** Share of memory and CPUs per physical CPU that a node carries. */
  of(index: number): { readonly memory: number; readonly cpu: number } {
    const [memory, cpu] = this.#scaled(index, 0, 0);
    return { memory: memory / memoryScale, cpu: cpu / cpuScale };
  }

  #scaled(index: number, memoryMiB: number, cpus: number): readonly [number, number] {
    const capacity = this.#nodes[index]?.capacity;
    const memory = ((this.#memory[index] ?? 0) + memoryMiB) / Math.max(1, capacity?.memoryMiB ?? 1);
    const cpu = ((this.#cpus[index] ?? 0) + cpus) / Math.max(1, capacity?.vcpus ?? 1);
    return [
      Math.round(Math.min(memory, most.memory) * memoryScale),
      Math.round(Math.min(cpu, most.cpu) * cpuScale),
    ];
  }

  #spread(memorySum: number, memorySquares: number, cpuSum: number, cpuSquares: number): number {
    const n = Math.max(1, this.#counted);
    return (
      deviation(memorySum / n, memorySquares / n) / memoryScale +
      deviation(cpuSum / n, cpuSquares / n) / cpuScale
    );
  }
}

function deviation(mean: number, meanOfSquares: number): number {
  return Math.sqrt(Math.max(0, meanOfSquares - mean * mean));
}
