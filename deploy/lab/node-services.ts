import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { groupProcesses } from './control-group.ts';
import { LabError } from './lab-error.ts';
import { identify, innerPid, stopped } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';

/**
 * Something the node's init keeps running from every boot on: started again 0.5 s after it ended,
 * whatever the reason.
 */
export interface NodeService {
  /** Lower-case letters, digits and dashes. */
  readonly name: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** `off` = switched off by its file; `ended` = will be started again in a moment. */
export type ServiceState = 'running' | 'stopped' | 'ended' | 'off';

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

function file(directory: string, name: string, ending: 'run' | 'off' | 'pid'): string {
  return join(directory, 'services', `${name}.${ending}`);
}

/** Makes the node's init look at its services now. Does nothing while the node is off. */
function ring(directory: string): void {
  const bell = join(directory, 'bell');
  if (!existsSync(bell)) return;
  try {
    const handle = openSync(bell, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      writeSync(handle, '\n');
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Nobody listens, or the bell has rung often enough already.
    if (code !== 'ENXIO' && code !== 'EAGAIN') throw error;
  }
}

/** Adds or replaces a service. A running one keeps running as it is until it ends. */
export function writeService(directory: string, service: NodeService): void {
  if (!/^[a-z][a-z0-9-]*$/.test(service.name)) {
    throw new LabError(
      'LAB_SERVICE',
      `service ${service.name}`,
      'not a name of lower-case letters, digits and dashes',
      'for example agent',
    );
  }
  const lines = Object.entries(service.env).map(([key, value]) => `export ${key}=${quoted(value)}`);
  const text = ['#!/bin/sh', ...lines, `exec ${service.argv.map(quoted).join(' ')}`, ''].join('\n');
  const path = file(directory, service.name, 'run');
  writeFileSync(`${path}.new`, text, { mode: 0o700 });
  renameSync(`${path}.new`, path);
  ring(directory);
}

/** Lets the init start the service, or keeps it from doing so; ends nothing that runs. */
export function allowService(directory: string, name: string, allowed: boolean): void {
  if (allowed) rmSync(file(directory, name, 'off'), { force: true });
  else writeFileSync(file(directory, name, 'off'), '');
  ring(directory);
}

export function serviceNames(directory: string): readonly string[] {
  return readdirSync(join(directory, 'services'))
    .filter((name) => name.endsWith('.run'))
    .map((name) => name.slice(0, -'.run'.length))
    .sort();
}

/** The process in a node's control group that has this pid inside the node. */
export function processInNode(group: string, pidInNode: number): ProcessIdentity | null {
  const pid = groupProcesses(group).find((candidate) => innerPid(candidate) === pidInNode);
  return pid === undefined ? null : identify(pid);
}

export function serviceProcess(
  directory: string,
  group: string,
  name: string,
): ProcessIdentity | null {
  const path = file(directory, name, 'pid');
  const pidInNode = existsSync(path) ? Number(readFileSync(path, 'utf8').trim()) : 0;
  return pidInNode > 0 ? processInNode(group, pidInNode) : null;
}

export function serviceState(directory: string, group: string, name: string): ServiceState {
  const process = serviceProcess(directory, group, name);
  if (process !== null) return stopped(process.pid) ? 'stopped' : 'running';
  return existsSync(file(directory, name, 'off')) ? 'off' : 'ended';
}
