import { readdirSync, readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type { Source } from '../../src/kubevirt/convert.ts';
import type { SiteMaps } from '../../src/kubevirt/site-maps.ts';

const folder = new URL('manifests/', import.meta.url);

/** Names of the manifests of our own writing, without their ending. Those with `no-` are refused. */
export const manifestNames: readonly string[] = readdirSync(folder)
  .map((name) => name.replace(/\.yaml$/, ''))
  .sort();

export function manifest(name: string): readonly Source[] {
  const file = `${name}.yaml`;
  const documents = parseAllDocuments(readFileSync(new URL(file, folder), 'utf8'));
  return [...documents].map((document) => ({ file, document: document.toJS() as unknown }));
}

/** A site that has a place for what the manifests name. */
export const site: SiteMaps = {
  pvc: new Map([
    ['root', { rbd: { pool: 'vms', image: 'root' }, format: 'raw' }],
    ['prod/data', { sharedFile: '/srv/prod/data.img', format: 'raw' }],
    ['data', { sharedFile: '/srv/data.img', format: 'raw' }],
    ['tools', { sharedFile: '/srv/tools.iso', format: 'raw' }],
    ...['web-root-0', 'web-root-1', 'web-root-2'].map(
      (name) => [name, { rbd: { pool: 'vms', image: name }, format: 'raw' }] as const,
    ),
  ]),
  image: new Map([
    ['registry.example/guests/tiny:1', { sharedFile: '/srv/tiny/{vm}.qcow2', format: 'qcow2' }],
    ['golden', { sharedFile: '/srv/golden/{vm}.img', format: 'raw' }],
  ]),
  volume: new Map([['many/scratch', { local: '/scratch/{vm}', format: 'raw' }]]),
  network: new Map([['team/lan', { bridge: 'br7' }]]),
  node: new Map([
    ['zone=east', ['node-1', 'node-2']],
    ['zone=west', ['node-3']],
  ]),
  priority: new Map([['urgent', 'high']]),
};
