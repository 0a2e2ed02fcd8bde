import { describe, expect, it } from 'vitest';
import { ProofChecker } from './proofs.ts';
import { groundOf, judge, message, write } from './testing/facts.ts';

describe('proofs', () => {
  const fence = (phase: string, proof: { readonly kind: string } | null, boot = 'boot-2') =>
    write(
      'fence/F-1',
      { node: 'n1', phase, proof, incarnation: { id: 'boot-1.a', bootId: 'boot-1' } },
      groundOf({ n1: boot }),
    );
  const lead = write('leader', { candidate: 'm' });

  it('I2: a proof comes after its intent', () => {
    const intent = fence('intent', null);
    const proven = fence('proven', { kind: 'newBoot' });
    expect(
      judge(new ProofChecker(), [
        [0, intent],
        [1, proven],
      ]),
    ).toEqual([]);
    expect(judge(new ProofChecker(), [[1, proven]])).toHaveLength(1);
  });

  it('I2: a proof against a boot that runs is told, whatever its kind', () => {
    for (const kind of ['newBoot', 'powerOff']) {
      const facts = [
        [0, fence('intent', null)],
        [1, fence('proven', { kind }, 'boot-1')],
      ] as const;
      expect(judge(new ProofChecker(), facts)).toHaveLength(1);
    }
  });

  it('B7: a lying BMC may be believed only of a node that nobody hears', () => {
    const lies = { kind: 'bmc', node: 'n1', mode: 'lieOff' } as const;
    const proven = fence('proven', { kind: 'powerOff' }, 'boot-1');
    const beat = message('delivered', 'n1', 'm', { kind: 'heartbeat', sequence: 1 });
    const silent = [
      [0, lead],
      [0, lies],
      [1, fence('intent', null)],
      [9000, proven],
    ] as const;
    expect(judge(new ProofChecker(), silent)).toEqual([]);
    const heard = [
      [0, lead],
      [0, lies],
      [1, fence('intent', null)],
      [8000, beat],
      [9000, proven],
    ] as const;
    expect(judge(new ProofChecker(), heard)).toHaveLength(1);
  });

  it('B7: whoever is heard after it was proven dead has the proof revoked', () => {
    const hello = message('delivered', 'n1', 'm', {
      kind: 'hello',
      incarnation: { id: 'boot-1.a' },
    });
    const beat = (at: number) =>
      message('delivered', 'n1', 'm', { kind: 'heartbeat', sequence: at }, at);
    const facts = [
      [0, lead],
      [0, hello],
      [1, fence('intent', null)],
      [10, fence('proven', { kind: 'newBoot' })],
      [1000, beat(1000)],
      [9500, beat(9500)],
    ] as const;
    expect(judge(new ProofChecker(), facts)).toHaveLength(1);
    const revoked = [
      ...facts.slice(0, 5),
      [1100, fence('acting', null)],
      [9500, beat(9500)],
    ] as const;
    expect(judge(new ProofChecker(), revoked)).toEqual([]);
  });
});
