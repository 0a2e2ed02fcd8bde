import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { domainDefinition } from '../../agent/libvirt/domain-definition.ts';
import { parseVmFile } from '../../src/cli/vm-file/parse-vm-file.ts';
import { incarnationId, nodeId, token, vmId } from '../../src/core/model/ids.ts';
import type { VmSpec } from '../../src/core/model/vm.ts';
import { convert } from '../../src/kubevirt/convert.ts';
import { manifest, manifestNames, site } from './manifests.ts';

const permit = {
  vm: vmId('00112233-4455-4677-8899-0000000000aa'),
  node: nodeId('node-1'),
  incarnation: incarnationId('boot.1'),
  token: token(1),
};

async function domainXmlOf(name: string): Promise<readonly string[]> {
  const { objects } = convert(manifest(name), { maps: site, lose: [] });
  const texts = objects.map(async (object) => {
    const parsed = await parseVmFile(stringify(object), { sharedPaths: [] });
    if (parsed.kind === 'invalid') throw new Error(parsed.problems.map((one) => one.what).join());
    const made = parsed.value.map(({ body: { spec } }) => {
      const typed: VmSpec = { ...spec, nodes: spec.nodes.map(nodeId) };
      return domainDefinition(typed, permit);
    });
    return made.map((one) => (one.kind === 'ok' ? one.xml : one.message)).join('');
  });
  return Promise.all(texts);
}

const missing = existsSync('/usr/bin/virt-xml-validate') ? null : 'needs virt-xml-validate';

describe.skipIf(missing !== null)(`domains of converted VMs ${missing ?? ''}`, () => {
  it.each(manifestNames.filter((name) => !name.startsWith('no-')))(
    '%s is XML of libvirt’s own schema',
    async (name) => {
      for (const input of await domainXmlOf(name)) {
        const result = spawnSync('virt-xml-validate', ['-', 'domain'], { input, encoding: 'utf8' });
        expect(`${result.stdout}${result.stderr}`).toContain('validates');
      }
    },
  );
});
