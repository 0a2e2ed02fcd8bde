import { describe, expect, test } from 'vitest';
import { kennel, ok } from '../testing/fake-world.ts';
import { healthyStatus, sampleNode, sampleVm } from '../testing/sample-views.ts';

const status = {
  ...healthyStatus,
  nodes: [
    sampleNode({ name: 'node-1', labels: { rack: 'a' } }),
    sampleNode({ name: 'node-2', labels: { rack: 'b', ssd: '' } }),
  ],
  vms: [
    sampleVm({ name: 'db-1', node: 'node-1', state: 'running', priority: 'high' }),
    sampleVm({ name: 'db-2', node: 'node-2', state: 'failed', priority: 'low' }),
    sampleVm({ name: 'web.1', node: null, state: 'stopped', desired: 'stopped' }),
    sampleVm({ name: 'webx1', node: 'node-2', state: 'paused', isProtected: false }),
  ],
};
const client = { vms: async () => ok(status.vms), nodes: async () => ok(status.nodes) };

async function names(options: string): Promise<string> {
  const { out } = await kennel(`vm ls ${options} -o json`, { client });
  return (JSON.parse(out) as { name: string }[]).map(({ name }) => name).join(' ');
}

describe('vm ls', () => {
  test.each([
    ['', 'db-1 db-2 web.1 webx1'],
    ['--node node-2', 'db-2 webx1'],
    ['--node none --node node-1', 'db-1 web.1'],
    ['--state failed --state paused', 'db-2 webx1'],
    ['--state failed --node node-1', ''],
    ['--desired stopped', 'web.1'],
    ['--priority high', 'db-1'],
    ['--name web.*', 'web.1'],
    ['--name *1', 'db-1 web.1 webx1'],
    ['--node-label rack=b', 'db-2 webx1'],
    ['--node-label ssd --name db-*', 'db-2'],
    ['--unprotected', 'webx1'],
  ])('%s leaves %s', async (options, expected) => {
    expect(await names(options)).toBe(expected);
  });

  test('says of how many none is left, and what to do where there is none', async () => {
    const none = await kennel('vm ls --state backoff', { client });
    expect(none.out).toBe('none of 4 VMs is like that\n');
    const empty = { vms: async () => ok([]) };
    expect((await kennel('vm ls', { client: empty })).out).toContain('kennel vm create -f FILE');
  });

  test('a state or a node that is none is refused and names those that are', async () => {
    const state = await kennel('vm ls --state runing', { client });
    expect(state.code).toBe(64);
    expect(state.errors).toContain('"runing" is not one of stopped, starting, running');
    const node = await kennel('vm ls --node node-9', { client });
    expect(node.code).toBe(1);
    expect(node.errors).toContain('the cluster has node-1, node-2');
  });

  test('--watch draws the list again and again, and is refused for programs', async () => {
    let looks = 0;
    const watched = {
      vms: async () => {
        looks += 1;
        if (looks === 3) throw new Error('enough');
        return ok(status.vms);
      },
    };
    const { out } = await kennel('vm ls --watch --name db-*', { client: watched });
    expect(out.match(/db-2/g)).toHaveLength(2);
    expect((await kennel('vm ls --watch -o json', { client })).code).toBe(64);
  });
});
