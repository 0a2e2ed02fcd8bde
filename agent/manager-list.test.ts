import { expect, test } from 'vitest';
import { LogRing } from '../chaos/sim/log.ts';
import { SimDisk } from '../chaos/sim/disk.ts';
import { VirtualTime } from '../chaos/sim/virtual-time.ts';
import type { Env } from '../src/env/env.ts';
import { ManagerListFile, type KnownManagers } from './manager-list.ts';

const path = '/data/managers.json';
const list: KnownManagers = {
  clusterId: 'c',
  epoch: 3,
  version: 7,
  managers: [
    { name: 'm-1', address: 'm-1:7400' },
    { name: 'm-2', address: 'm-2:7400' },
  ],
};

async function bench() {
  const time = new VirtualTime();
  const timers = { after: (delayMs: number, run: () => void) => time.schedule(delayMs, run) };
  const disk = new SimDisk({ timers, latencyMs: () => 1 });
  const env = { disk, log: new LogRing(time).from('agent'), timers } as unknown as Env;
  const settle = async <T>(promise: Promise<T>): Promise<T> => {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    await time.runUntil(() => isSettled, 10_000);
    return promise;
  };
  await settle(disk.makeDirectory('/data'));
  const read = (): Promise<ManagerListFile> => settle(ManagerListFile.read(env, path, 'c'));
  const file = await read();
  expect(file.take(list)).toBe(true);
  await settle(file.close());
  return { disk, settle, read };
}

test('the list of managers is known again after a restart', async () => {
  const { read } = await bench();
  expect((await read()).known).toEqual(list);
});

test('a list in which a bit has turned is not used: an address in it would be nobody', async () => {
  const { disk, settle, read } = await bench();
  const bytes = (await settle(disk.read(path))) ?? new Uint8Array();
  const at = new TextDecoder().decode(bytes).indexOf('m-2:7400') + 2;
  const turned = bytes.map((byte, index) => (index === at ? byte ^ 4 : byte));
  await settle(disk.replace(path, turned));
  expect((await read()).known).toBe(null);
});
