import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { realTimeEnv } from '../../test/hypervisor/test-env.ts';
import { tinySpec } from '../../test/hypervisor/tiny-vm.ts';
import { incarnationId, nodeId, token, vmId } from '../../src/core/model/ids.ts';
import { FakeLibvirtd } from './fake/fake-libvirtd.ts';
import { LibvirtHypervisor } from './libvirt-hypervisor.ts';
import { dialUnix, listenUnix } from './unix-transport.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'klu-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const closing = (path: string): Promise<string> =>
  new Promise((resolve) => {
    const stream = dialUnix(path)();
    stream.write(new Uint8Array([1]));
    stream.onClose(resolve);
  });

it('a socket that is not there, or that nobody serves, is a close with the reason', async () => {
  expect(await closing(join(directory, 'absent'))).toContain('ENOENT');
  const listener = await listenUnix(join(directory, 's'), (stream) => stream.close('not today'));
  expect(await closing(join(directory, 's'))).toMatch(/closed by the peer|ECONNRESET|EPIPE/);
  await listener.close();
});

it('the client and the fake work over a real unix socket', async () => {
  const env = realTimeEnv();
  const daemon = new FakeLibvirtd(env.timers, { startMs: 1, destroyMs: 1 });
  const path = join(directory, 'libvirt-sock');
  const listener = await listenUnix(path, (stream) => daemon.accept(stream));
  const hypervisor = new LibvirtHypervisor({ env, dial: dialUnix(path) });
  const connected = new Promise<void>((resolve) => {
    hypervisor.onChange(() => {
      if (hypervisor.connected()) resolve();
    });
  });
  hypervisor.open();
  await connected;
  const vm = vmId('00112233-4455-4677-8899-aabbccddeeff');
  const incarnation = incarnationId('boot.1');
  const permit = { vm, node: nodeId('node-1'), incarnation, token: token(1) };
  expect((await hypervisor.start(tinySpec('a'), permit)).kind).toBe('ok');
  expect(await hypervisor.list()).toMatchObject({
    kind: 'ok',
    value: [{ vm, active: true, permit }],
  });
  expect((await hypervisor.destroy(vm)).kind).toBe('ok');
  await hypervisor.close();
  expect(hypervisor.connected()).toBe(false);
  await listener.close();
});
