import { expect, test, vi } from 'vitest';
import { type Subject, put, modIs, write, commit, campaign, guard } from './conformance-tools.ts';

export function leadership(subject: Subject): void {
  test('a leader has the create revision of the leadership key, and its guarded writes commit', async () => {
    const { store } = subject();
    const leader = await campaign(store, 'a');
    const { item } = await store.get(leader.key);
    expect(item?.createRevision).toBe(leader.createRevision);
    expect([leader.isValid(), await leader.confirm(), leader.lost.aborted]).toEqual([
      true,
      true,
      false,
    ]);
    await commit(store, [put('vm/a', '1')], [guard(leader), modIs('vm/a', 0)]);
    await leader.resign();
  });

  test('a second candidate waits until the first resigns, and gets a higher epoch', async () => {
    const { harness, store } = subject();
    const other = await harness.connect('two');
    const first = await campaign(store, 'a');
    let won = false;
    const waiting = campaign(other, 'b').then((leader) => {
      won = true;
      return leader;
    });
    for (let round = 0; round < 5; round += 1) await commit(store, [put('k', '')], [guard(first)]);
    expect([won, first.isValid()]).toEqual([false, true]);
    await first.resign();
    const second = await waiting;
    expect(second.epoch).toBeGreaterThan(first.epoch);
    expect([first.isValid(), first.lost.aborted, await first.confirm()]).toEqual([
      false,
      true,
      false,
    ]);
    await second.resign();
  });

  test('a guarded write of a former leader is refused', async () => {
    const { harness, store } = subject();
    const other = await harness.connect('two');
    const first = await campaign(store, 'a');
    await first.resign();
    expect(await write(store, [put('k', 'none')], [guard(first)])).toMatchObject({
      kind: 'refused',
      because: 'compare',
    });
    const second = await campaign(other, 'b');
    expect(await write(store, [put('k', 'old')], [guard(first)])).toMatchObject({
      kind: 'refused',
      because: 'compare',
    });
    await commit(other, [put('k', 'new')], [guard(second)]);
    await second.resign();
  });

  test('epochs strictly grow over campaigns and restarts', async () => {
    const { harness } = subject();
    let { store } = subject();
    const epochs: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      const leader = await campaign(store, 'a');
      epochs.push(leader.epoch);
      await commit(store, [put('k', String(round))], [guard(leader)]);
      if (round % 2 === 0 && harness.restart !== null) {
        await harness.restart();
        store = await harness.connect('one');
      } else {
        await leader.resign();
      }
    }
    expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
  });

  test('an aborted campaign rejects with the reason and leaves the seat to others', async () => {
    const { harness, store } = subject();
    const other = await harness.connect('two');
    const first = await campaign(store, 'a');
    const controller = new AbortController();
    const giveUp = other.campaign({ candidate: 'b', signal: controller.signal });
    const third = campaign(other, 'c');
    controller.abort(new Error('no longer wanted'));
    await expect(giveUp).rejects.toThrow('no longer wanted');
    await first.resign();
    const leader = await third;
    const { item } = await store.get(leader.key);
    expect(item?.createRevision).toBe(leader.createRevision);
    await leader.resign();
    const aborted = AbortSignal.abort(new Error('too late'));
    await expect(store.campaign({ candidate: 'd', signal: aborted })).rejects.toThrow('too late');
  });

  test('after resign there is no leadership key', async () => {
    const { store } = subject();
    const leader = await campaign(store, 'a');
    await leader.resign();
    await leader.resign();
    expect((await store.get(leader.key)).item).toBeNull();
  });

  test('M3: a leader that was deposed knows it by `lost`, and its writes are refused', async ({
    skip,
  }) => {
    const { harness, store } = subject();
    if (harness.expire === null) skip('only the holder can end a leadership of this driver');
    const other = await harness.connect('two');
    const first = await campaign(store, 'a');
    const waiting = campaign(other, 'b');
    await harness.expire?.('a');
    const second = await waiting;
    await vi.waitFor(() => expect(first.lost.aborted).toBe(true));
    expect([first.isValid(), await first.confirm(), second.isValid()]).toEqual([
      false,
      false,
      true,
    ]);
    expect(await write(store, [put('k', 'old')], [guard(first)])).toMatchObject({
      kind: 'refused',
    });
    expect(second.epoch).toBeGreaterThan(first.epoch);
    await second.resign();
  });
}
