import { randomUUID } from 'node:crypto';
import { tinyVmSpec } from '../../deploy/lab/cluster/kennel-cluster.ts';
import type { Lab } from '../../deploy/lab/lab.ts';
import type { PlannedCall } from './plan.ts';
import type { RecordedClient } from './recorded-client.ts';

/** Clients of the API: one call at a time for each VM. There is one VM for each disk of the lab. */
export class Workload {
  readonly #lab: Lab;
  readonly #client: RecordedClient;
  /** Id of each VM as it was made last. */
  readonly #ids = new Map<string, string>();
  readonly #busy = new Map<string, Promise<void>>();
  #made = 0;

  constructor(lab: Lab, client: RecordedClient) {
    this.#lab = lab;
    this.#client = client;
  }

  /** Names of the disks. A VM is named after its disk, and differently each time it is made. */
  get names(): readonly string[] {
    return this.#lab.disks().map((disk) => disk.name);
  }

  /** Does nothing while an earlier call for the same VM is open. */
  ask({ verb, vm }: Pick<PlannedCall, 'verb' | 'vm'>): void {
    const name = this.names[vm - 1];
    if (name === undefined || this.#busy.has(name)) return;
    const call = this.#ask(verb, name).finally(() => this.#busy.delete(name));
    this.#busy.set(name, call);
  }

  /** Returns when every call has been answered, or given up. */
  async settled(): Promise<void> {
    await Promise.all(this.#busy.values());
  }

  async #ask(verb: PlannedCall['verb'], name: string): Promise<void> {
    if (verb === 'create') return this.#create(name);
    const vm = this.#ids.get(name);
    if (vm === undefined) return;
    await this.#client.call(verb, vm, (client, options) => {
      switch (verb) {
        case 'start':
          return client.startVm(vm, options);
        case 'stop':
          return client.stopVm(vm, { force: true, reason: 'chaos' }, options);
        case 'delete':
          return client.deleteVm(vm, options);
        default:
          return verb satisfies never;
      }
    });
  }

  async #create(name: string): Promise<void> {
    const disk = this.#lab.disks().find((one) => one.name === name);
    if (disk === undefined) throw new Error(`there is no disk ${name}`);
    this.#made += 1;
    // A name that was used is taken for good where a definition of its old owner was left behind
    // (`known-defects`): a node that came back after its VM was deleted.
    const spec = { ...tinyVmSpec(disk), name: `${name}-${this.#made}` };
    const vm = randomUUID();
    const { result } = await this.#client.call('create', vm, (client, options) =>
      client.createVm({ id: vm, desired: 'running', node: null, spec }, options),
    );
    if (result !== 'no') this.#ids.set(name, vm);
  }
}
