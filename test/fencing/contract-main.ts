import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { tryCell, type Cell } from './cell.ts';
import { faults } from './device.ts';

/** Cells that are tried at once; most of them wait. */
const atOnce = 3;
/** What the devices need beside this checkout, as packages of Debian. */
const packages = [
  'ipmitool',
  'openipmi',
  'python3-pyghmi',
  'fence-agents',
  'qemu-system-x86',
  'freeipmi-tools',
];

/**
 * `npm run fencing:contract -- [--json FILE] [--device NAME] [--fault NAME] [--install]`: every fault on
 * every device. `--install` gets what the devices need, as root.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      json: { type: 'string' },
      device: { type: 'string' },
      fault: { type: 'string' },
      install: { type: 'boolean', default: false },
    },
  });
  if (values.install) {
    const got = spawnSync('apt-get', ['install', '-y', '--no-install-recommends', ...packages], {
      stdio: 'inherit',
    });
    if (got.status !== 0) return 1;
  }
  // What is missing is looked for when the devices are loaded.
  const { devices } = await import('./devices.ts');
  const chosen = devices.filter(
    ({ name }) => values.device === undefined || name === values.device,
  );
  if (chosen.length === 0) {
    console.error(
      `there is no such device; there are: ${devices.map(({ name }) => name).join(', ')}`,
    );
    return 64;
  }
  const tried = faults.filter((fault) => values.fault === undefined || fault === values.fault);
  const wanted = chosen.flatMap((device) => tried.map((fault) => ({ device, fault })));
  const cells: Cell[] = Array.from(wanted, ({ device, fault }) => ({
    device: device.name,
    fault,
    verdict: 'fail',
    reason: 'not tried',
  }));
  const queue = [...wanted.entries()];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [index, { device, fault }] = next;
        cells[index] = await tryCell(device, fault);
      }
    }),
  );
  for (const { device, fault, verdict, reason } of cells) {
    console.log(`${verdict}  ${device.padEnd(18)}  ${fault.padEnd(18)}  ${reason}`);
  }
  const failed = cells.filter(({ verdict }) => verdict === 'fail').length;
  console.log(`${cells.length - failed} of ${cells.length} cells passed`);
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ cells }, null, 2)}\n`);
  }
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
