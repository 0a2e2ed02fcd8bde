import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const directory = fileURLToPath(new URL('../../deploy/systemd', import.meta.url));

/** The values of one setting of a unit, in order; an empty one clears those before it. */
function settings(unit: string, section: string, name: string): readonly string[] {
  const text = readFileSync(`${directory}/${unit}`, 'utf8').replace(/\\\n\s*/g, '');
  let values: string[] = [];
  let within = '';
  for (const line of text.split('\n')) {
    within = /^\[(\w+)\]$/.exec(line)?.[1] ?? within;
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (within !== section || key !== name || value === undefined) continue;
    values = value === '' ? [] : [...values, value];
  }
  return values;
}

const words = (unit: string, name: string): readonly string[] =>
  settings(unit, 'Unit', name).flatMap((value) => value.split(/\s+/));

describe('when a host goes down', () => {
  it('its agent is stopped before the host shuts its guests down, and after nothing that it needs', () => {
    // systemd stops units in the reverse of the order in which they start.
    expect(words('kennel-agent.service', 'After')).toEqual(
      expect.arrayContaining([
        'libvirt-guests.service',
        'libvirtd.service',
        'network-online.target',
      ]),
    );
    expect(words('kennel-agent.service', 'Before')).not.toContain('libvirt-guests.service');
  });

  it('no order makes the agent depend on libvirt: a hung daemon takes no heartbeat with it', () => {
    for (const name of ['Requires', 'BindsTo', 'PartOf', 'Requisite']) {
      expect(words('kennel-agent.service', name)).toEqual([]);
    }
  });

  it('guests outlive the end of the agent, and the petter outlives the agent', () => {
    expect(settings('kennel-agent.service', 'Service', 'KillMode')).toEqual(['process']);
    expect(words('kennel-watchdog.service', 'Before')).toContain('kennel-agent.service');
    expect(settings('kennel-watchdog.service', 'Unit', 'RefuseManualStop')).toEqual(['yes']);
  });

  it('logind waits longer than the agent ever delays a shutdown', () => {
    const [wait] = settings('logind-kennel.conf', 'Login', 'InhibitDelayMaxSec');
    expect(wait).toBe('11min');
  });
});

it('when a host comes back, it starts no guest by itself', () => {
  const commands = settings('libvirt-guests.service.d/kennel.conf', 'Service', 'ExecStart');
  expect(commands).toEqual(['/bin/true']);
});

it('every unit has a section that says what it runs', () => {
  const units = readdirSync(directory).filter((name) => name.endsWith('.service'));
  expect(units.length).toBeGreaterThan(2);
  for (const unit of units) expect(settings(unit, 'Service', 'ExecStart')).toHaveLength(1);
});
