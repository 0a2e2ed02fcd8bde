import { expect, it } from 'vitest';
import { KeyedQueue } from './keyed-queue.ts';

it('tasks of one key run one after another, also after a failure, and keys are independent', async () => {
  const queue = new KeyedQueue<string>();
  const log: string[] = [];
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const task =
    (name: string, waits: boolean, fails = false) =>
    async () => {
      log.push(`${name} begins`);
      if (waits) await gate;
      log.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    };
  const first = queue.run('a', task('a1', true, true));
  const second = queue.run('a', task('a2', false));
  expect(await queue.run('b', task('b1', false))).toBe('b1');
  expect(log).toEqual(['a1 begins', 'b1 begins', 'b1 ends']);
  open();
  await expect(first).rejects.toThrow('a1');
  expect(await second).toBe('a2');
  expect(log.slice(3)).toEqual(['a1 ends', 'a2 begins', 'a2 ends']);
});
