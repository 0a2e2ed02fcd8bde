import { operationId } from '../../src/core/model/ids.ts';
import { decodeObject } from '../../src/manager/object-codec.ts';
import { keys } from '../../src/manager/keys.ts';
import type { Compare, Write } from '../../src/store/store.ts';
import type { Stage } from './actions.ts';
import type { Monitor } from './monitor.ts';
import { putsOf, ruleNodes } from './seed.ts';

/**
 * Takes the pins away. A file says on which node an instance exists while it is off; a VM of
 * Kennel that is off exists nowhere, so its record starts out pinned to that node. The pin goes
 * once the VM has run there, or when the node is not there to run it.
 *
 * It is written past the managers, as one transaction that also moves the barrier: whoever leads
 * has its next write refused by that, and reads everything anew.
 */
export class Homes {
  readonly #stage: Stage;
  readonly #monitor: Monitor;
  readonly #pinned = new Set<string>();
  #writes = 0;

  constructor(stage: Stage, monitor: Monitor) {
    this.#stage = stage;
    this.#monitor = monitor;
    const held = stage.scenario.initial_manager_state?.services ?? {};
    for (const { id } of stage.scenario.services) {
      if (held[id]?.status !== 'awaiting-fence') this.#pinned.add(id);
    }
  }

  /** A service that the timeline adds is pinned too. */
  pin(service: string): void {
    this.#pinned.add(service);
  }

  /**
   * To be called before the actions of each instant. `first` is the first instant: nodes without
   * power then are about to get it.
   */
  release(first: boolean): void {
    const { cluster, names, scenario } = this.#stage;
    const { machine } = cluster.store;
    const compare: Compare[] = [];
    const then: Write[] = [];
    for (const service of this.#pinned) {
      const item = machine.get(`vm/${names.vmId(service)}`);
      if (item === null) continue;
      const vm = decodeObject(item.value);
      if (vm?.kind !== 'vm') continue;
      const [home = ''] = vm.spec.nodes;
      const isGone = cluster.nodes.some(
        (node) => node.name === home && node.machine.state === 'off',
      );
      if (!this.#monitor.hasRun(vm.id) && (first || !isGone)) continue;
      this.#pinned.delete(service);
      const nodes = ruleNodes(scenario, service, names);
      compare.push({ key: item.key, target: 'mod', revision: item.modRevision });
      then.push(...putsOf([{ ...vm, spec: { ...vm.spec, nodes } }]));
    }
    if (then.length === 0) return;
    this.#writes += 1;
    const operation = operationId(`scenario-unpins-${this.#writes}`);
    then.push({ kind: 'put', key: keys.barrier, value: operation });
    const outcome = cluster.store.evaluate({ operation, compare, then });
    if (outcome.kind !== 'committed') throw new Error(`unpinning: ${outcome.kind}`);
  }
}
