import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { KennelError, formatProblem } from '../../src/errors/kennel-error.ts';
import { LabError } from './lab-error.ts';
import { shortcomings } from './demo/report.ts';
import type { DemoSite } from './demo/site.ts';
import { tellStory } from './demo/story.ts';
import { machineView, preflight } from './preflight.ts';

/**
 * The main job from end to end: VMs on three nodes, a node that loses power, a node that freezes,
 * and a witness that looks for two writers. On real parts where this machine can, otherwise
 * simulated and labelled so; in CI that is a failure, because there the real parts are wanted.
 */
async function demo(): Promise<number> {
  const { values } = parseArgs({
    options: {
      json: { type: 'string' },
      vms: { type: 'string', default: '6' },
      simulated: { type: 'boolean', default: false },
    },
  });
  const vms = Number(values.vms);
  if (!Number.isInteger(vms) || vms < 1 || vms > 50) {
    console.error('--vms takes a number from 1 to 50');
    return 64;
  }
  const beganMs = performance.now();
  const say = (text: string): void => console.log(text);
  const step = (text: string): void =>
    console.log(`${((performance.now() - beganMs) / 1000).toFixed(1).padStart(6)} s  ${text}`);

  const missing = preflight(machineView());
  for (const one of missing) console.log(`missing: ${one.what} (${one.because}); ${one.try}`);
  const simulated = values.simulated || missing.length > 0;
  if (missing.length > 0 && process.env['CI'] === 'true') {
    console.error('in CI the demo runs on real parts or not at all');
    return 1;
  }
  if (simulated) say('SIMULATED: no real libvirt, QEMU or BMC takes part in what follows.');

  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(new Error('interrupted'));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupt);
  const site = await open(simulated, vms, interrupted.signal, step);
  try {
    const { report, verdict } = await tellStory(site, say);
    if (values.json !== undefined) {
      writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
    }
    const found = shortcomings(report, verdict);
    for (const one of found) console.error(`NOT AS IT SHOULD BE: ${one}`);
    return found.length === 0 ? 0 : 1;
  } finally {
    await site.close();
    step('everything is taken down');
  }
}

async function open(
  simulated: boolean,
  vms: number,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<DemoSite> {
  if (simulated) {
    const { openSimulatedSite } = await import('./demo/simulated-site.ts');
    return openSimulatedSite({ vms, seed: 1 });
  }
  const { openRealSite } = await import('./demo/real-site.ts');
  return openRealSite({ vms, signal, say });
}

try {
  process.exitCode = await demo();
} catch (error) {
  if (error instanceof KennelError) console.error(formatProblem(error.problem));
  else if (error instanceof LabError)
    console.error(`${error.code}: ${error.message}\n  try: ${error.advice}`);
  else console.error(error);
  process.exitCode = 1;
}
