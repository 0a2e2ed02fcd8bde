import { describe, expect, it } from 'vitest';
import { DeviceAccess } from './device-access.ts';
import { DeviceQueues } from './device-queue.ts';
import { ipmiDriver } from './drivers/ipmi/driver.ts';
import { driversOf } from './registry.ts';
import { VirtualEnv } from './testing/virtual-env.ts';

const device = {
  id: 'bmc',
  driver: 'ipmi',
  settings: { host: '10.0.0.1', user: 'kennel' },
  identity: null,
  settleMs: 2000,
  outlet: 'ipmi 10.0.0.1 623',
};

function access(overrides: { readonly driver?: string; readonly password?: string }): DeviceAccess {
  const { env } = new VirtualEnv();
  return new DeviceAccess(
    { ...device, driver: overrides.driver ?? 'ipmi' },
    {
      env,
      drivers: driversOf([ipmiDriver]),
      queues: new DeviceQueues(env),
      secretsOf: () => {
        if (overrides.password === undefined) throw new Error('no quorum');
        return Promise.resolve({ password: overrides.password });
      },
    },
  );
}

describe('a probe through DeviceAccess', () => {
  it('is the report of the driver', async () => {
    const report = await access({ password: 's3cret' }).probe(1000);
    expect(report).toMatchObject({ ok: false, error: { code: 'TOOL_MISSING' } });
  });

  it('is a failed report when the driver or the secret is missing', async () => {
    expect(await access({ driver: 'telnet' }).probe(1000)).toMatchObject({
      ok: false,
      error: { code: 'CONFIG', retry: 'no' },
    });
    expect(await access({}).probe(1000)).toMatchObject({
      ok: false,
      error: { code: 'CONFIG', retry: 'yes', detail: expect.stringContaining('no quorum') },
    });
  });
});
