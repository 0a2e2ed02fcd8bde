import { describe, expect, test } from 'vitest';
import type { GovernorView, SettingView } from '../../api/schema/guards.ts';
import type { FailoverExport } from '../../api/schema/guards.ts';
import { kennel, ok } from '../testing/fake-world.ts';
import type { FakeOptions } from '../testing/fake-world.ts';
import { sampleNode } from '../testing/sample-views.ts';

const governor: GovernorView = {
  hold: {
    incident: 'I-1',
    nodes: ['node-1', 'node-2'],
    because: '10 of 32 nodes are lost at once, all of rack=r1',
    common: 'rack=r1',
    since: '2026-11-22T12:00:00.000Z',
  },
  released: [],
  shot: ['node-7'],
  allowedAtOnce: 6,
  allowedPerWindow: 8,
};
const settings: readonly SettingView[] = [
  {
    key: 'governor.window',
    value: 600_000,
    unit: 'ms',
    min: 10_000,
    max: 604_800_000,
    words: null,
    summary: 'w',
  },
  {
    key: 'governor.at-once.share',
    value: 0.2,
    unit: 'share',
    min: 0,
    max: 1,
    words: null,
    summary: 's',
  },
];
const empty: FailoverExport = {
  format: 'kennel-failovers/1',
  clusterId: 'c',
  chain: null,
  records: [],
};

function recorder() {
  const calls: unknown[][] = [];
  const note =
    <T>(name: string, value: T) =>
    async (...given: unknown[]) => {
      calls.push([name, ...given]);
      return ok(value);
    };
  const node = sampleNode({ name: 'node-7', labels: { rack: 'r1' } });
  const alert = {
    name: 'chat',
    target: 'https://chat.example:443/…',
    kinds: ['fenced'],
    behind: 0,
    lost: 0,
    failures: 0,
    lastError: null,
  };
  const client: FakeOptions['client'] = {
    governor: note('governor', governor),
    releaseGovernor: note('releaseGovernor', { ...governor, hold: null, released: ['node-1'] }),
    settings: note('settings', settings),
    changeSettings: note('changeSettings', settings),
    labelNode: note('labelNode', node),
    unquarantine: note('unquarantine', node),
    exportFailovers: note('exportFailovers', empty),
    alerts: note('alerts', [alert]),
    addAlert: note('addAlert', alert),
    removeAlert: note('removeAlert', alert),
    testAlert: note('testAlert', { name: 'chat', told: false, because: 'it answered 500' }),
  };
  return { calls, client };
}

const how = { dryRun: false, reason: null };

describe('the storm governor', () => {
  test('is shown with the command that releases it, and released after a question', async () => {
    const { calls, client } = recorder();
    const shown = await kennel('governor show', { client });
    expect(shown.out).toContain('I-1: 10 of 32 nodes are lost at once, all of rack=r1');
    expect(shown.out).toContain('kennel governor release');
    const line = ['governor', 'release', '--reason', 'seen on site'];
    const no = await kennel(line, { client, answers: ['n'] });
    expect(no.code).toBe(1);
    const yes = await kennel(line, { client, answers: ['y'] });
    expect(yes.out).toBe('released: node-1\n');
    expect(calls.filter(([name]) => name === 'releaseGovernor')).toEqual([
      ['releaseGovernor', { dryRun: false, reason: 'seen on site' }],
    ]);
  });
});

describe('settings', () => {
  test('are numbers or durations, several at once', async () => {
    const { calls, client } = recorder();
    const set = await kennel('settings set governor.window=15m,governor.at-once.share=0.3', {
      client,
    });
    expect(set.code).toBe(0);
    expect(calls).toEqual([
      [
        'changeSettings',
        { settings: { 'governor.window': 900_000, 'governor.at-once.share': 0.3 } },
        how,
      ],
    ]);
    // Which words a setting takes is the manager's to say.
    const word = await kennel('settings set shutdown.policy=migrate', { client });
    expect(word.code).toBe(0);
    expect(calls[1]?.[1]).toEqual({ settings: { 'shutdown.policy': 'migrate' } });
    for (const bad of ['governor.window', 'governor.window=5x', '=3', 'a=1=2']) {
      expect((await kennel(['settings', 'set', bad], { client })).code).toBe(64);
    }
    expect((await kennel('settings show', { client })).out).toContain('10m');
  });
});

describe('marks of a node', () => {
  test('labels are set and taken away', async () => {
    const { calls, client } = recorder();
    const line = await kennel('node label node-7 rack=r1,switch-', { client });
    expect(line.out).toContain('labels are rack=r1');
    expect(calls).toEqual([['labelNode', 'node-7', { labels: { rack: 'r1', switch: null } }, how]]);
    for (const bad of ['rack', 'rack=', '=r1', '-']) {
      expect((await kennel(['node', 'label', 'node-7', bad], { client })).code).toBe(64);
    }
  });

  test('N20: quarantine is lifted by a command', async () => {
    const { calls, client } = recorder();
    await kennel('node unquarantine node-7', { client });
    expect(calls).toEqual([['unquarantine', 'node-7', how]]);
  });
});

describe('records of failovers', () => {
  test('an export is written and verified without a cluster', async () => {
    const { client } = recorder();
    const exported = await kennel('failover export', { client });
    expect(JSON.parse(exported.out)).toEqual(empty);
    const files = { '/home/op/x.json': exported.out, '/home/op/bad.json': '{"format":1}' };
    const sound = await kennel('failover verify --file /home/op/x.json', { files });
    expect(sound.out).toContain('every proof holds by its evidence');
    expect(sound.code).toBe(0);
    const broken = await kennel('failover verify --file /home/op/bad.json', { files });
    expect(broken.out).toContain('! not an export');
    expect(broken.code).toBe(1);
    const absent = await kennel('failover verify --file /home/op/none.json', { files });
    expect(absent.code).toBe(64);
  });
});

describe('alerts', () => {
  test('what is secret of a webhook comes from files, and is printed nowhere', async () => {
    const { calls, client } = recorder();
    const files = {
      '/root/url': 'https://chat.example/hooks/pa7h-s3cret?k=1\n',
      '/root/token': 't0ken-s3cret\n',
    };
    const added = await kennel(
      'alert add chat --url-file /root/url --token-file /root/token --on fenced',
      { client, files },
    );
    expect(added.code).toBe(0);
    expect(calls).toEqual([
      [
        'addAlert',
        'chat',
        {
          target: {
            kind: 'webhook',
            host: 'chat.example',
            port: 443,
            pin: null,
            path: '/hooks/pa7h-s3cret?k=1',
            token: 't0ken-s3cret',
          },
          kinds: ['fenced'],
        },
        how,
      ],
    ]);
    expect(added.out + added.errors).not.toContain('s3cret');
  });

  test.each([
    ['alert add chat', 'it has either an address'],
    ['alert add chat --url https://a/b --exec page', 'it has either an address'],
    ['alert add chat --exec page --token-file /x', 'it has either an address'],
    ['alert add chat --exec ../page', 'must be the name of a file'],
    ['alert add chat --url http://a/s3cret', 'https://HOST'],
    ['alert add chat --url https://u:s3cret@a/b', 'https://HOST'],
    ['alert add chat --exec page --on everything', 'kinds'],
  ])('%s is refused, and repeats nothing secret', async (line, because) => {
    const { calls, client } = recorder();
    const refused = await kennel(line, { client });
    expect(refused.code).toBe(64);
    expect(refused.errors).toContain(because);
    expect(refused.errors).not.toContain('s3cret');
    expect(calls).toEqual([]);
  });

  test('a test that was not told fails', async () => {
    const { client } = recorder();
    const tested = await kennel('alert test chat', { client });
    expect({ code: tested.code, out: tested.out }).toEqual({
      code: 1,
      out: 'alert chat: not told (it answered 500)\n',
    });
    expect((await kennel('alert ls', { client })).out).toContain('https://chat.example:443/…');
  });
});
