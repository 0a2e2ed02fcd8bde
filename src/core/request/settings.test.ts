import { describe, expect, it } from 'vitest';
import { openDraft } from '../decide/draft.ts';
import { TestWorld } from '../testing/world.ts';
import { changeSettings, settingList } from './settings.ts';

const ask = (values: Readonly<Record<string, number | string>>) => {
  const world = new TestWorld();
  const draft = openDraft(world, world.observe());
  const outcome = changeSettings(draft, values);
  world.commit(draft.finish({ commands: [], fences: [] }));
  return { outcome, settings: world.settings, before: new TestWorld().settings };
};

describe('settings', () => {
  it.each(settingList.map((setting) => [setting.key, setting] as const))(
    '%s: its bounds are taken, what lies beyond is refused and changes nothing',
    (key, setting) => {
      for (const value of [setting.min, setting.max]) {
        const { outcome, settings } = ask({ [key]: value });
        expect(outcome.kind).toBe('ok');
        expect(setting.get(settings)).toBe(value);
      }
      for (const value of [setting.min - 1, setting.max + 1, Number.NaN]) {
        const { outcome, settings, before } = ask({ [key]: value });
        expect(outcome.kind).toBe('problem');
        expect(settings).toEqual(before);
      }
    },
  );

  it('a word is taken by its name, and another one is refused with those that there are', () => {
    expect(ask({ 'shutdown.policy': 'migrate' }).settings.shutdownPolicy).toBe('migrate');
    const { outcome } = ask({ 'shutdown.policy': 'never' });
    expect(outcome).toMatchObject({ problem: { because: expect.stringContaining('freeze') } });
  });

  it('all are changed or none', () => {
    const { outcome, settings, before } = ask({ 'governor.window': 60_000, 'no.such': 1 });
    expect(outcome.kind).toBe('problem');
    expect(settings).toEqual(before);
  });
});
