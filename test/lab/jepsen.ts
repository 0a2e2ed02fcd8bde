import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { unexplainedNames } from '../../chaos/checkers/name-register.ts';
import { tinyVmSpec } from '../../deploy/lab/cluster/kennel-cluster.ts';
import { noLab, WatchedCluster } from '../../deploy/lab/cluster/watched-cluster.ts';
import { lookAtAll, recordNames } from './jepsen-clients.ts';
import { strike } from './jepsen-faults.ts';

const stores = ['raft', 'etcd'] as const;

/**
 * Six clients change and read records through the API of three managers, which are killed, stopped and cut
 * off all the while: `node test/lab/jepsen.ts --store raft|etcd --minutes M [--json FILE]`. Ends with 1
 * when no order of what they asked explains what they were told, or a VM ran twice.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      store: { type: 'string', default: 'raft' },
      minutes: { type: 'string', default: '15' },
      json: { type: 'string' },
    },
  });
  const store = stores.find((one) => one === values.store);
  const minutes = Number(values.minutes);
  if (store === undefined || !(minutes > 0)) {
    console.error(`--store takes ${stores.join(' or ')}, --minutes a number above 0`);
    return 64;
  }
  if (noLab.skip) {
    console.error(`this needs a lab${noLab.why}`);
    return 1;
  }
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const site = await WatchedCluster.up({ vms: 1, managers: 3, store, signal: stop.signal });
  try {
    const { cluster, lab } = site;
    const [disk] = lab.disks();
    if (disk === undefined) throw new Error('the lab has no disk');
    const clients = await Promise.all([1, 2, 3, 1, 2, 3].map((one) => cluster.clientVia(one)));
    const untilMs = performance.now() + minutes * 60_000;
    const goOn = (): boolean => performance.now() < untilMs && !stop.signal.aborted;
    const [history, faults] = await Promise.all([
      recordNames({ clients, spec: tinyVmSpec(disk), goOn }),
      strike(site, store, goOn),
    ]);
    await lab.healAll();
    await cluster.leader();
    const seen = await Promise.all(
      clients.slice(0, 3).map((client) => lookAtAll(client, history.operations)),
    );
    await Promise.all(clients.map((client) => client.close()));
    const unexplained = unexplainedNames([...history.operations, ...seen.flat()]);
    const overlaps = site.testimony()[0]?.overlaps.length ?? 0;
    const { counts } = history;
    const report = { store, minutes, counts, faults, unexplained, overlaps };
    if (values.json !== undefined) {
      const operations = history.operations.filter(({ name }) => unexplained.includes(name));
      writeFileSync(values.json, `${JSON.stringify({ ...report, operations }, null, 2)}\n`);
    }
    console.log(JSON.stringify(report));
    const verdict =
      unexplained.length === 0 ? 'linearizable' : `NOT EXPLAINED: ${unexplained.join(', ')}`;
    console.log(`${history.operations.length} operations on ${store}: ${verdict}`);
    return unexplained.length === 0 && overlaps === 0 ? 0 : 1;
  } finally {
    await site.down();
  }
}

process.exitCode = await main();
