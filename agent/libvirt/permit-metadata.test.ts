import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { incarnationId, nodeId, token, vmId } from '../../src/core/model/ids.ts';
import type { Permit } from '../../src/core/model/permit.ts';
import { parsePermit, permitElement, permitXml } from './permit-metadata.ts';
import { writeXml } from './xml-writer.ts';

const permit: Permit = {
  vm: vmId('00112233-4455-4677-8899-aabbccddeeff'),
  node: nodeId('node-1'),
  incarnation: incarnationId('boot.1'),
  token: token(7),
};

describe('the permit in metadata', () => {
  it('is an element of our namespace inside the domain XML', () => {
    expect(writeXml(permitElement(permit))).toEqual({
      kind: 'ok',
      xml:
        '<kennel:permit xmlns:kennel="urn:kennel:permit:1" ' +
        'vm="00112233-4455-4677-8899-aabbccddeeff" node="node-1" incarnation="boot.1" token="7"/>\n',
    });
  });

  it('is read as libvirt returns it: without prefix and namespace', () => {
    const text = `<permit vm='${permit.vm}' node="node-1" incarnation="boot.1" token="7"/>`;
    expect(parsePermit(text)).toEqual(permit);
  });

  it('comes back as it was written, whatever the names are', () => {
    const word = fc.string({ minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(word, word, word, fc.nat(), (vm, node, incarnation, number) => {
        const written = permitXml({
          vm: vmId(vm),
          node: nodeId(node),
          incarnation: incarnationId(incarnation),
          token: token(number),
        });
        if (written.kind === 'invalid') return;
        expect(parsePermit(written.xml)).toEqual({ vm, node, incarnation, token: number });
      }),
      { numRuns: 100 },
    );
  });

  it('half a permit is none', () => {
    for (const text of [
      '',
      'permit',
      '<permit',
      '<other vm="a" node="b" incarnation="c" token="1"/>',
      '<permit node="b" incarnation="c" token="1"/>',
      '<permit vm="a" node="" incarnation="c" token="1"/>',
      '<permit vm="a" node="b" token="1"/>',
      '<permit vm="a" node="b" incarnation="c"/>',
      '<permit vm="a" node="b" incarnation="c" token="1.5"/>',
      '<permit vm="a" node="b" incarnation="c" token="-1"/>',
      '<permit vm="a" node="b" incarnation="c" token="9007199254740993"/>',
      '<!DOCTYPE permit><permit vm="a" node="b" incarnation="c" token="1"/>',
    ]) {
      expect({ text, permit: parsePermit(text) }).toEqual({ text, permit: null });
    }
  });
});
