import { expect, test } from 'vitest';
import { operationId, revision } from '../core/model/ids.ts';
import { StateMachine } from './state-machine.ts';
import type { WatchEvent } from './store.ts';
import { WatchHub } from './watch-hub.ts';

/** Deliveries wait until `deliver` is called, as if the event loop were busy. */
function world(historyLimit = 100) {
  const machine = new StateMachine({ historyLimit });
  const due: (() => void)[] = [];
  const hub = new WatchHub(machine, (run) => due.push(run));
  const deliver = (): void => {
    for (const run of due.splice(0)) run();
  };
  const write = (...keys: string[]): void => {
    const then = keys.map((key) => ({ kind: 'put', key, value: '' }) as const);
    machine.apply({ operation: operationId('o'), compare: [], then });
    hub.changed();
  };
  const watch = (prefix = '', from = 0) => {
    const events: WatchEvent[] = [];
    const stop = hub.watch(prefix, revision(from), (event) => events.push(event));
    return { events, stop };
  };
  return { machine, hub, due, deliver, write, watch };
}

const kindsOf = (events: readonly WatchEvent[]) =>
  events.map((event) => (event.kind === 'batch' ? event.batch.revision : event.kind));

test('many writes in one turn make one delivery, with all of them in order', () => {
  const it = world();
  const { events } = it.watch();
  it.write('a');
  it.write('b');
  it.write('c');
  expect(it.due).toHaveLength(1);
  it.deliver();
  expect(kindsOf(events)).toEqual([1, 2, 3]);
});

test('a watcher whose history ran out between two deliveries is told so, and only that', () => {
  const it = world(8);
  const { events } = it.watch();
  it.write('a');
  it.deliver();
  for (let count = 0; count < 20; count += 1) it.write('a');
  it.deliver();
  it.write('a');
  it.deliver();
  expect(kindsOf(events)).toEqual([1, 'compacted']);
});

test('a watcher that looks at other keys is told `compacted` too: it cannot know', () => {
  const it = world(8);
  const { events } = it.watch('x/');
  for (let count = 0; count < 20; count += 1) it.write('a');
  it.deliver();
  expect(kindsOf(events)).toEqual(['compacted']);
});

test('a watch from ahead of the state waits for it', () => {
  const it = world();
  const { events } = it.watch('', 2);
  it.write('a');
  it.deliver();
  it.write('a');
  it.write('a');
  it.deliver();
  expect(kindsOf(events)).toEqual([3]);
});

test('close delivers what is there first, ends every watch once, and later ones at once', () => {
  const it = world();
  const { events } = it.watch();
  it.write('a');
  it.hub.close('bye');
  it.hub.close('again');
  it.deliver();
  const late = it.watch('', 1);
  it.deliver();
  it.write('b');
  it.deliver();
  expect(kindsOf(events)).toEqual([1, 'closed']);
  expect(late.events).toEqual([{ kind: 'closed', reason: 'bye' }]);
});

test('a stopped watch gets nothing, not even the end', () => {
  const it = world();
  const { events, stop } = it.watch();
  it.write('a');
  stop();
  it.hub.close('bye');
  it.deliver();
  expect(events).toEqual([]);
});

test('a snapshot that replaced the state ends the watches it overtook', () => {
  const it = world();
  const behind = it.watch();
  it.write('a');
  it.deliver();
  const ahead = it.watch('', 50);
  const from = { revision: revision(50), items: [] };
  const machine = new StateMachine({ historyLimit: 100, from });
  it.hub.replaceMachine(machine);
  it.deliver();
  machine.apply({
    operation: operationId('o'),
    compare: [],
    then: [{ kind: 'put', key: 'b', value: '' }],
  });
  it.hub.changed();
  it.deliver();
  expect(kindsOf(behind.events)).toEqual([1, 'compacted']);
  expect(kindsOf(ahead.events)).toEqual([51]);
});
