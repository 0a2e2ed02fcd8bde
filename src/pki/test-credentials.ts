import { createAuthority } from './authority.ts';
import type { CertificateAuthority, Credentials, Role } from './credentials.ts';
import { issueCredentials, type LeafOptions } from './leaf.ts';

/** For tests: a throw-away cluster that issues credentials valid now, at this machine's clock. */
export interface TestCluster {
  readonly clusterId: string;
  readonly authority: CertificateAuthority;
  issue(role: Role, name: string, options?: Partial<LeafOptions>): Promise<Credentials>;
}

export async function makeTestCluster(
  clusterId = '6a1f0c9e-0d5b-4b8e-9d2f-0f6f3a8b7c11',
): Promise<TestCluster> {
  const nowIso = new Date().toISOString();
  const authority = await createAuthority({ clusterId, nowIso });
  return {
    clusterId,
    authority,
    issue: async (role, name, options = {}) => {
      const wanted = { clusterId, role, name, nowIso, ...options };
      const issued = await issueCredentials(authority, wanted);
      if (issued.kind === 'problem') throw new Error(issued.problem.because);
      return issued.value;
    },
  };
}
