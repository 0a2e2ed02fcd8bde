import { afterEach, expect, test } from 'vitest';
import { OperatorBench } from '../testing/operator-bench.ts';
import { LeaseElection, leases } from './lease.ts';

const path = '/apis/coordination.k8s.io/v1/namespaces/kennel/leases/operator';
let bench = new OperatorBench([leases]);
afterEach(() => {
  bench.ending.abort();
  bench = new OperatorBench([leases]);
});

function candidate(identity: string) {
  const ending = new AbortController();
  bench.ending.signal.addEventListener('abort', () => ending.abort());
  const seen = { isWorking: false, terms: 0, ending, ended: Promise.resolve() };
  const election = new LeaseElection({
    env: bench.env,
    api: bench.kube,
    namespace: 'kennel',
    name: 'operator',
    identity,
  });
  const work = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      seen.isWorking = true;
      seen.terms += 1;
      signal.addEventListener('abort', () => {
        seen.isWorking = false;
        resolve();
      });
    });
  seen.ended = election.run(work, ending.signal);
  return seen;
}

const spec = () => bench.kube.at(path)?.spec as Record<string, unknown> | undefined;

test('one of two works', async () => {
  const a = candidate('a');
  await bench.until(() => a.isWorking);
  const b = candidate('b');
  await bench.time.runFor(60_000);
  expect([a.isWorking, b.isWorking]).toEqual([true, false]);
  expect(spec()).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15 });
});

test('a clean stop hands it over within a period', async () => {
  const a = candidate('a');
  await bench.until(() => a.isWorking);
  const b = candidate('b');
  await bench.time.runFor(5000);
  a.ending.abort();
  await bench.wait(a.ended);
  await bench.until(() => b.isWorking, 2100);
  expect(spec()).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
});

test('a holder that fell silent is replaced when its lease stood unchanged for its duration, by our clock', async () => {
  // Its time stamps are of the far future: they are not read.
  await bench.kube.call({
    method: 'POST',
    path: '/apis/coordination.k8s.io/v1/namespaces/kennel/leases',
    body: {
      metadata: { name: 'operator', namespace: 'kennel' },
      spec: { holderIdentity: 'gone', renewTime: '2099-01-01T00:00:00.000000Z' },
    },
  });
  const b = candidate('b');
  await bench.time.runFor(14_000);
  expect(b.isWorking).toBe(false);
  await bench.until(() => b.isWorking, 4000);
});

test('a holder that cannot renew stops working before another may begin', async () => {
  const a = candidate('a');
  await bench.until(() => a.isWorking);
  await bench.time.runFor(4000);
  bench.kube.isDown = true;
  await bench.time.runFor(12_000);
  expect(a.isWorking).toBe(false);
  bench.kube.isDown = false;
  await bench.until(() => a.isWorking);
  expect(a.terms).toBe(2);
});

test('a holder that finds another in its lease stops at once', async () => {
  const a = candidate('a');
  await bench.until(() => a.isWorking);
  const object = bench.kube.at(path);
  await bench.kube.call({
    method: 'PUT',
    path,
    body: { ...object, spec: { ...spec(), holderIdentity: 'b' } },
  });
  await bench.until(() => !a.isWorking, 2100);
  expect(spec()).toMatchObject({ holderIdentity: 'b' });
});

test('of two that want an old lease one gets it', async () => {
  const a = candidate('a');
  const b = candidate('b');
  await bench.until(() => a.isWorking || b.isWorking);
  await bench.time.runFor(20_000);
  expect([a.isWorking, b.isWorking].filter(Boolean).length).toBe(1);
});
