import type { IncarnationId, NodeId, Token, VmId } from './ids.ts';

/** The recorded right of one incarnation to run one VM. `token` grows with every change of owner. */
export interface Permit {
  readonly vm: VmId;
  readonly node: NodeId;
  readonly incarnation: IncarnationId;
  readonly token: Token;
}

export function samePermit(a: Permit, b: Permit): boolean {
  return (
    a.vm === b.vm && a.node === b.node && a.incarnation === b.incarnation && a.token === b.token
  );
}
