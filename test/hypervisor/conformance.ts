import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { incarnationId, nodeId, token, vmId } from '../../src/core/model/ids.ts';
import type { VmId } from '../../src/core/model/ids.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import type { VmSpec } from '../../src/core/model/vm.ts';
import type { ActionVerb } from '../../src/core/model/vm-action.ts';
import type { Hypervisor, HypervisorDomain, HypervisorResult } from '../../agent/hypervisor.ts';

/** For calls that nobody wants to hold back. */
const always = (): boolean => true;

/**
 * One host under test and what a test may do to it. The oracle (`stored…`, `run`) looks past the
 * hypervisor port.
 */
export interface HypervisorLab {
  /** A new client of the same host, as after a start of the agent; opened. */
  connect(): Hypervisor;
  /** Lets time pass until the promise ends. */
  settle<T>(promise: Promise<T>): Promise<T>;
  /** A spec that the host can run, with a name unique to the VM. */
  spec(name: string): VmSpec;
  /** A person's own XML for the same. */
  xml(name: string): string;
  /** The VM's process dies by itself. */
  crash(vm: VmId): Promise<void>;
  /** Leaves the VM off, with a saved memory image. It must be active. */
  save(vm: VmId): Promise<void>;
  setAutostart(vm: VmId): Promise<void>;
  autostart(vm: VmId): Promise<boolean>;
  /** Token in the stored half of the metadata, as text; null when there is none. */
  storedToken(vm: VmId): Promise<string | null>;
  /** Differs between two boots of a VM. */
  run(vm: VmId): Promise<string>;
  /** Ends everything. */
  close(): Promise<void>;
}

const vm = (number: number): VmId =>
  vmId(`00112233-4455-4677-8899-${number.toString(16).padStart(12, '0')}`);

function permitOf(id: VmId, number: number, node = 'node-1'): Permit {
  return {
    vm: id,
    node: nodeId(node),
    incarnation: incarnationId(`boot-${node}.1`),
    token: token(number),
  };
}

function okOf<T>(result: HypervisorResult<T>): T {
  if (result.kind !== 'ok') throw new Error(`${result.kind}: ${result.message}`);
  return result.value;
}

/** What every hypervisor must do alike: the real one, the fake and the simulated one. */
export function describeHypervisor(
  title: string,
  makeLab: () => Promise<HypervisorLab>,
  options: { readonly skip?: boolean } = {},
): void {
  describe.skipIf(options.skip ?? false)(`${title} as a hypervisor`, () => {
    let lab: HypervisorLab;
    let hypervisor: Hypervisor;
    const a = vm(1);
    const b = vm(2);

    const connected = async (each: Hypervisor): Promise<Hypervisor> => {
      await lab.settle(
        new Promise<void>((resolve) => {
          const look = (): void => {
            if (each.connected()) resolve();
          };
          each.onChange(look);
          look();
        }),
      );
      return each;
    };
    const list = async (): Promise<readonly HypervisorDomain[]> =>
      okOf(await lab.settle(hypervisor.list()));
    const find = async (id: VmId): Promise<HypervisorDomain | null> =>
      (await list()).find((domain) => domain.vm === id) ?? null;
    const start = (id: VmId, number: number, name = 'a') =>
      lab.settle(hypervisor.start(lab.spec(name), permitOf(id, number), always));
    const destroy = (id: VmId) => lab.settle(hypervisor.destroy(id));
    const code = (result: HypervisorResult<unknown>): string =>
      result.kind === 'failed' ? result.code : result.kind;

    const tidy: (() => Promise<void>)[] = [];
    beforeEach(async () => {
      lab = await makeLab();
      tidy.push(() => lab.close());
      hypervisor = await connected(lab.connect());
    });
    afterEach(async () => {
      await lab.settle(hypervisor.close());
      for (const step of tidy.splice(0)) await step();
    });

    it('a new host has no domains and some capacity', async () => {
      expect(await list()).toEqual([]);
      const capacity = okOf(await lab.settle(hypervisor.capacity()));
      expect(capacity.memoryMiB).toBeGreaterThan(0);
      expect(capacity.vcpus).toBeGreaterThan(0);
      expect(capacity.version).not.toBe('');
    });

    it('a started VM is active, carries the permit and has autostart off', async () => {
      expect(await start(a, 7)).toEqual({ kind: 'ok', value: undefined });
      expect(await find(a)).toEqual({
        vm: a,
        name: 'a',
        active: true,
        state: 'running',
        reason: 'booted',
        permit: permitOf(a, 7),
        persistent: true,
      });
      expect(await lab.storedToken(a)).toBe('7');
      expect(await lab.autostart(a)).toBe(false);
    });

    it('a second start with the same permit is ok and does not boot again', async () => {
      await start(a, 7);
      const run = await lab.run(a);
      expect(await start(a, 7)).toEqual({ kind: 'ok', value: undefined });
      expect(await lab.run(a)).toBe(run);
    });

    it('two starts at once with one permit boot once', async () => {
      const both = await lab.settle(
        Promise.all([
          hypervisor.start(lab.spec('a'), permitOf(a, 7), always),
          hypervisor.start(lab.spec('a'), permitOf(a, 7), always),
        ]),
      );
      expect(both.map((result) => result.kind)).toEqual(['ok', 'ok']);
      const actives = (await list()).filter((domain) => domain.active);
      expect(actives).toHaveLength(1);
    });

    it('a start with another permit is refused while the VM is active', async () => {
      await start(a, 7);
      expect(code(await start(a, 8))).toBe('activeWithOtherPermit');
      expect((await find(a))?.permit).toEqual(permitOf(a, 7));
      const elsewhere = hypervisor.start(lab.spec('a'), permitOf(a, 7, 'node-2'), always);
      expect(code(await lab.settle(elsewhere))).toBe('activeWithOtherPermit');
    });

    it('destroy ends it, and is ok again, and for an absent VM', async () => {
      await start(a, 7);
      expect(code(await destroy(a))).toBe('ok');
      expect(await find(a)).toMatchObject({
        active: false,
        state: 'shutOff',
        reason: 'destroyed',
        permit: permitOf(a, 7),
      });
      expect(code(await destroy(a))).toBe('ok');
      expect(code(await destroy(b))).toBe('ok');
    });

    it('a stopped VM starts again under a newer permit', async () => {
      await start(a, 7);
      const run = await lab.run(a);
      await destroy(a);
      expect(code(await start(a, 8))).toBe('ok');
      expect(await find(a)).toMatchObject({ active: true, permit: permitOf(a, 8) });
      expect(await lab.run(a)).not.toBe(run);
    });

    it('a start under a new name replaces the stored definition', async () => {
      await start(a, 7);
      await destroy(a);
      expect(code(await start(a, 8, 'renamed'))).toBe('ok');
      expect((await list()).map(({ name }) => name)).toEqual(['renamed']);
    });

    it('undefine forgets an inactive VM only', async () => {
      await start(a, 7);
      expect(code(await lab.settle(hypervisor.undefine(a)))).toBe('domainActive');
      expect(await find(a)).toMatchObject({ active: true, persistent: true });
      await destroy(a);
      expect(code(await lab.settle(hypervisor.undefine(a)))).toBe('ok');
      expect(await list()).toEqual([]);
      expect(code(await lab.settle(hypervisor.undefine(a)))).toBe('ok');
    });

    it('setPermit changes the live and the stored permit and switches autostart off', async () => {
      await start(a, 7);
      await lab.setAutostart(a);
      expect(code(await lab.settle(hypervisor.setPermit(permitOf(a, 9, 'node-2'))))).toBe('ok');
      expect(await find(a)).toMatchObject({ active: true, permit: permitOf(a, 9, 'node-2') });
      expect(await lab.storedToken(a)).toBe('9');
      expect(await lab.autostart(a)).toBe(false);
      await destroy(a);
      expect((await find(a))?.permit).toEqual(permitOf(a, 9, 'node-2'));
    });

    it('setPermit works on an inactive VM and fails for an absent one', async () => {
      await start(a, 7);
      await destroy(a);
      expect(code(await lab.settle(hypervisor.setPermit(permitOf(a, 9))))).toBe('ok');
      expect(await find(a)).toMatchObject({ active: false, permit: permitOf(a, 9) });
      expect(code(await lab.settle(hypervisor.setPermit(permitOf(b, 1))))).toBe('noDomain');
    });

    it('shutdown of a running VM is asked; an absent or stopped one is not active', async () => {
      expect(code(await lab.settle(hypervisor.shutdown(a)))).toBe('notActive');
      await start(a, 7);
      expect(code(await lab.settle(hypervisor.shutdown(a)))).toBe('ok');
      await destroy(a);
      expect(code(await lab.settle(hypervisor.shutdown(a)))).toBe('notActive');
    });

    it('V4: a crash is told apart from a cut of power', async () => {
      await start(a, 7);
      await lab.crash(a);
      expect(await find(a)).toMatchObject({ active: false, state: 'shutOff', reason: 'crashed' });
    });

    it('V1: a crashed VM starts again', async () => {
      await start(a, 7);
      await lab.crash(a);
      expect(code(await start(a, 8))).toBe('ok');
      expect(await find(a)).toMatchObject({ active: true, permit: permitOf(a, 8) });
    });

    it('N9: a new client finds running VMs with their permits and boots nothing', async () => {
      await start(a, 7);
      await start(b, 8, 'b');
      const run = await lab.run(a);
      await lab.settle(hypervisor.close());
      expect(hypervisor.connected()).toBe(false);
      hypervisor = await connected(lab.connect());
      const domains = (await list()).map(({ vm: id, active, permit }) => ({ id, active, permit }));
      expect(domains.sort((left, right) => (left.id < right.id ? -1 : 1))).toEqual([
        { id: a, active: true, permit: permitOf(a, 7) },
        { id: b, active: true, permit: permitOf(b, 8) },
      ]);
      expect(await lab.run(a)).toBe(run);
      expect(code(await start(a, 7))).toBe('ok');
      expect(await lab.run(a)).toBe(run);
    });

    it('the change of one client is announced to another and seen by it', async () => {
      await start(a, 7);
      expect((await find(a))?.permit).toEqual(permitOf(a, 7));
      const other = await connected(lab.connect());
      tidy.unshift(() => lab.settle(other.close()));
      let changes = 0;
      hypervisor.onChange(() => {
        changes += 1;
      });
      await lab.settle(other.setPermit(permitOf(a, 9)));
      const told = await lab.settle(
        (async () => {
          let permit: Permit | null = null;
          while (permit?.token !== 9) {
            const domains = await hypervisor.list();
            permit = domains.kind === 'ok' ? (domains.value[0]?.permit ?? null) : null;
          }
          return permit;
        })(),
      );
      expect(told).toEqual(permitOf(a, 9));
      expect(changes).toBeGreaterThan(0);
    });

    it('a saved memory image is dropped by a start', async () => {
      await start(a, 7);
      await lab.save(a);
      expect(await find(a)).toMatchObject({ active: false });
      expect(code(await start(a, 8))).toBe('ok');
      expect(await find(a)).toMatchObject({ active: true, reason: 'booted' });
    });

    it('a saved memory image goes with the definition', async () => {
      await start(a, 7);
      await lab.save(a);
      expect(code(await lab.settle(hypervisor.undefine(a)))).toBe('ok');
      expect(await list()).toEqual([]);
    });

    it('a paused VM stands still, active, until it is resumed; a reset is no new run', async () => {
      await start(a, 7);
      const act = (id: VmId, verb: ActionVerb) => lab.settle(hypervisor.act(id, verb, always));
      const run = await lab.run(a);
      expect(code(await act(a, 'pause'))).toBe('ok');
      expect(code(await act(a, 'pause'))).toBe('ok');
      expect(await find(a)).toMatchObject({
        active: true,
        state: 'paused',
        reason: 'user',
        permit: permitOf(a, 7),
      });
      expect(code(await act(a, 'resume'))).toBe('ok');
      expect(code(await act(a, 'resume'))).toBe('ok');
      expect(await find(a)).toMatchObject({ state: 'running', reason: 'unpaused' });
      expect(code(await act(a, 'reset'))).toBe('ok');
      expect(code(await act(a, 'reboot'))).toBe('ok');
      expect(await find(a)).toMatchObject({ active: true, permit: permitOf(a, 7) });
      expect(await lab.run(a)).toBe(run);
    });

    it('nothing is done to a VM that is off, that is absent, or when it may not be done now', async () => {
      await start(a, 7);
      const act = (id: VmId, may: boolean) =>
        lab.settle(hypervisor.act(id, 'pause', () => may)).then(code);
      expect(await act(a, false)).toBe('actionTooLate');
      expect(await find(a)).toMatchObject({ state: 'running' });
      expect(await act(b, true)).not.toBe('ok');
      await destroy(a);
      expect(await act(a, true)).toBe('notActive');
    });

    it('xml tells the definition of a VM and fails for an absent one', async () => {
      await start(a, 7);
      const xml = okOf(await lab.settle(hypervisor.xml(a)));
      expect(xml).toContain(a);
      expect(xml).toContain('<name>a</name>');
      expect(code(await lab.settle(hypervisor.xml(b)))).toBe('noDomain');
    });

    it('a VM of a person’s own XML gets our name, id and permit', async () => {
      const definition = { kind: 'xml', xml: lab.xml('theirs') } as const;
      const spec = { ...lab.spec('ours'), definition };
      expect(code(await lab.settle(hypervisor.start(spec, permitOf(a, 7), always)))).toBe('ok');
      expect(await find(a)).toMatchObject({ name: 'ours', active: true, permit: permitOf(a, 7) });
    });

    it('V6: domain XML missing or invalid fails that VM and nothing else', async () => {
      await start(b, 1, 'b');
      for (const xml of ['', '<domain', '<volume/>', '<!DOCTYPE d><domain/>', '<domain/>']) {
        const spec = { ...lab.spec('a'), definition: { kind: 'xml', xml } as const };
        const result = await lab.settle(hypervisor.start(spec, permitOf(a, 7), always));
        expect({ xml, code: code(result) }).toEqual({ xml, code: 'domainXmlInvalid' });
      }
      const typed = { ...lab.spec('a'), vcpus: 0 };
      const result = await lab.settle(hypervisor.start(typed, permitOf(a, 7), always));
      expect(code(result)).toBe('domainXmlInvalid');
      expect((await list()).map(({ name, active }) => ({ name, active }))).toEqual([
        { name: 'b', active: true },
      ]);
    });

    it('a VM id that is no UUID is refused', async () => {
      const wrong = vmId('vm-1');
      const results = await lab.settle(
        Promise.all([
          hypervisor.start(lab.spec('a'), permitOf(wrong, 1), always),
          hypervisor.destroy(wrong),
          hypervisor.xml(wrong),
        ]),
      );
      expect(results.map(code)).toEqual(['vmIdInvalid', 'vmIdInvalid', 'vmIdInvalid']);
    });

    it('after close no call is sent', async () => {
      await lab.settle(hypervisor.close());
      expect(hypervisor.connected()).toBe(false);
      expect(code(await start(a, 7))).toBe('libvirtUnavailable');
      expect(code(await lab.settle(hypervisor.list()))).toBe('libvirtUnavailable');
    });
  });
}
