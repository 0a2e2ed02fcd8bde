import { expect, test } from 'vitest';
import type { Command } from 'commander';
import { parseBmcFault } from './bmc.ts';
import { labCommand } from './commands.ts';
import { describeStatus } from './status-text.ts';

/** Parses without running anything; throws what commander says. */
async function parse(...argv: readonly string[]): Promise<string> {
  const lab = labCommand();
  let said = '';
  const quiet = (command: Command): void => {
    command.exitOverride().configureOutput({
      writeErr: (text) => {
        said += text;
      },
    });
    for (const child of command.commands) quiet(child);
  };
  quiet(lab);
  await lab.parseAsync(['node', 'lab', ...argv]).catch(() => null);
  return said;
}

test('every fault of the lab has its command', () => {
  const names = labCommand().commands.map((command) => command.name());
  expect(names).toEqual([
    'up',
    'down',
    'status',
    'exec',
    'kill',
    'power-on',
    'reset',
    'shut-down',
    'freeze',
    'thaw',
    'hang-libvirt',
    'unhang-libvirt',
    'kill-libvirt',
    'hang-agent',
    'unhang-agent',
    'kill-agent',
    'lock-state',
    'kill-bmc',
    'drop',
    'delay',
    'starve',
    'slow-disk',
    'fill-disk',
    'power-loss',
    'partition',
    'heal',
    'bmc-fault',
    'pdu-fault',
    'wire-bmc',
  ]);
});

test('a node that is none is refused with an example', async () => {
  expect(await parse('power-loss', 'manager-1')).toMatch(/a node, for example node-1/);
  expect(await parse('freeze', 'fabric')).toMatch(/no machine/);
  expect(await parse('freeze', 'node-x')).toMatch(/for example node-1/);
});

test('a BMC fault that is none is refused with those that are', async () => {
  expect(await parse('bmc-fault', 'node-1', 'slow')).toMatch(/slow:3/);
  expect(parseBmcFault('slow:1.5')).toBe('slow:1.5');
  expect(parseBmcFault('slow:')).toBeNull();
});

test('a lab that is down says how to make one', () => {
  const nothing = { nodes: [], managers: [], disks: [], kennelConfig: null, processes: [] };
  const text = describeStatus({ up: false, id: 'kl0', directory: '/nowhere', ...nothing });
  expect(text).toMatch(/no lab in \/nowhere\n {2}try: kennel lab up/);
});
