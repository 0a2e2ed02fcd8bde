import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ClusterService } from '../../api/cluster-service.ts';
import type { Outcome } from '../../core/problem.ts';
import { SecretBox } from '../../pki/cluster-keys.ts';
import { keys } from '../keys.ts';
import { domainOf } from '../testing/fake-agent.ts';
import { caller, ManagerWorld } from '../testing/manager-world.ts';
import { newVm, nodeRecord, onlineNode, runningVm, testKeys } from '../testing/test-objects.ts';

/** Long and odd enough not to stand anywhere by chance, JSON escapes included. */
const anySecret = fc
  .tuple(fc.string({ minLength: 1, maxLength: 8 }), fc.stringMatching(/^[A-Za-z0-9]{12}$/))
  .map(([odd, plain]) => `${odd}~${plain}`);

/** As it is, and as it stands within JSON and within JSON within JSON. */
function formsOf(secret: string): readonly string[] {
  const once = JSON.stringify(secret).slice(1, -1);
  return [
    secret,
    once,
    JSON.stringify(once).slice(1, -1),
    secret.slice(secret.lastIndexOf('~') + 1),
  ];
}

const box = new SecretBox(testKeys, () => 'unused');

/** A life of two nodes with fence devices, in which every call is made; all that was answered. */
async function lifeWith(password: string, wrong: string) {
  const world = new ManagerWorld();
  const device = world.fencing.add('node-1');
  await world.seed(
    onlineNode('node-1', { fenceTopology: [] }),
    onlineNode('node-2'),
    nodeRecord('node-3'),
    runningVm(1, 'node-1'),
  );
  const seat = await world.lead();
  const { permit } = runningVm(1, 'node-1');
  if (permit === null) throw new Error('no permit');
  const agent = await world.agent({ node: 'node-1', domains: [domainOf('vm-1', permit)] });
  const other = await world.agent({ node: 'node-2' });
  await world.until(() => agent.leases > 0 && other.leases > 0);

  const answers: unknown[] = [];
  const seen: unknown[] = [];
  seat.manager.service.watchEvents(0, (event) => seen.push(event));
  const call = async <T>(question: (service: ClusterService) => Promise<Outcome<T>>) => {
    const outcome = await world.wait(question(seat.manager.service));
    answers.push(outcome);
    return outcome.kind;
  };
  const add = (secret: string, settings: Record<string, string>) =>
    call((service) =>
      service.addFenceDevice(
        'node-1',
        {
          id: 'bmc',
          level: 1,
          driver: 'fake',
          settings,
          secrets: { password: secret },
          settleMs: 500,
          budgetMs: null,
          delayMs: null,
        },
        caller(),
      ),
    );
  const because = { reason: 'test', override: false };

  world.fencing.probeError = 'AUTH_PASSWORD';
  expect(await add(wrong, { device: 'node-1/bmc' })).toBe('problem');
  expect(await add(wrong, {})).toBe('problem');
  world.fencing.probeError = null;
  expect(await add(password, { device: 'node-1/bmc' })).toBe('ok');
  await call((service) => service.createVm(newVm('db'), caller()));
  await call((service) => service.status());
  device.failure = (asked) => (asked === 'off' ? 'BMC_BUSY' : null);
  await call((service) => service.fenceNode('node-1', because, caller()));
  await world.run(3000);
  for (const topic of ['node-1', 'vm-1', 'F-1', 'FO-1']) {
    await call((service) => service.explain(topic));
  }
  await call((service) => service.powerOn('node-1', caller()));
  device.failure = () => null;
  device.effect = (command) => {
    device.power = command;
    agent.process.kill('powerLoss');
  };
  await world.until(() => world.eventCodes().includes('NODE_FENCED'), 60_000);
  await world.run(3000);
  await call((service) => service.powerOn('node-1', caller()));
  await call((service) => service.node('node-1'));
  await call((service) => service.status());
  await call((service) => service.failovers());
  await call((service) => service.events(0, 1000));
  answers.push(await world.wait(seat.manager.service.metrics()));
  expect(world.fencing.contexts.some(({ secrets }) => secrets['password'] === password)).toBe(true);

  const stored = world.store.machine.list('');
  const log = world.log.entries().map((entry) => ({ ...entry }));
  return {
    opened: stored
      .filter((item) => item.key.startsWith(keys.secrets))
      .map((item) => box.open(item.key, item.value)),
    told: {
      answers: JSON.stringify(answers),
      events: JSON.stringify(seen),
      log: JSON.stringify(log),
      store: JSON.stringify(stored),
      agents: JSON.stringify([agent.batches, agent.acks, agent.byes, other.batches]),
    },
  };
}

test('X4: what fence devices are asked with stands in no answer, event, log line or other record', async () => {
  await fc.assert(
    fc.asyncProperty(anySecret, anySecret, async (password, wrong) => {
      const { told, opened } = await lifeWith(password, wrong);
      const forms = [...formsOf(password), ...formsOf(wrong)];
      const places = Object.entries(told);
      expect(places.filter(([, text]) => text.length < 3)).toEqual([]);
      const leaks = places.filter(([, text]) => forms.some((form) => text.includes(form)));
      expect(leaks.map(([where]) => where)).toEqual([]);
      // It is there all the same, for whoever holds the cluster's keys.
      const place = JSON.stringify(opened);
      expect(formsOf(password).some((form) => place.includes(form))).toBe(true);
    }),
    { numRuns: 12 },
  );
});
