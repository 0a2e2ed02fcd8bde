import { randomUUID } from 'node:crypto';
import { tinyVmSpec } from '../../deploy/lab/cluster/kennel-cluster.ts';
import type { Lab } from '../../deploy/lab/lab.ts';
import type { PlannedCall } from './plan.ts';
import type { RecordedClient } from './recorded-client.ts';

/**
 * Clients of the API: one call at a time for each VM. There is one VM for each disk of the lab; whatever
 * is asked of one that was deleted makes it again, so that a campaign does not run out of VMs.
 */
export class Workload {
  readonly #lab: Pick<Lab, 'disks'>;
  readonly #client: Pick<RecordedClient, 'call'>;
  /** Id of each VM as it was made last. */
  readonly #ids = new Map<string, string>();
  /** Names whose VM was asked to be deleted and has not been made again. */
  readonly #deleted = new Set<string>();
  /** Names whose VM was asked to be made, without an answer. */
  readonly #unsure = new Set<string>();
  readonly #busy = new Map<string, Promise<void>>();
  #made = 0;

  constructor(lab: Pick<Lab, 'disks'>, client: Pick<RecordedClient, 'call'>) {
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

  /** Makes every VM again that was deleted; those that cannot be made yet are named. */
  async complete(): Promise<readonly string[]> {
    await this.settled();
    await Promise.all([...this.#deleted].map((name) => this.#create(name)));
    return [...this.#deleted];
  }

  async #ask(verb: PlannedCall['verb'], name: string): Promise<void> {
    const isGone = this.#deleted.has(name) && verb !== 'delete';
    if (verb === 'create' || isGone) return this.#create(name);
    const vm = this.#ids.get(name);
    if (vm === undefined) return;
    const { result } = await this.#client.call(verb, vm, (client, options) => {
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
    if (verb === 'delete' && result !== 'no') this.#deleted.add(name);
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
    // A refusal after a call without an answer: that one may have made it.
    if (result === 'ok' || (result === 'no' && this.#unsure.has(name))) this.#deleted.delete(name);
    if (result === 'unknown') this.#unsure.add(name);
    else this.#unsure.delete(name);
  }
}
