import type { Role, SubjectIdentity } from './credentials.ts';

const uriForm = /^kennel:\/\/([0-9a-f-]{36})\/(agent|manager|admin)\/([a-z0-9.-]{1,253})$/;
const clusterIdForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const nameForm = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

const isRole = (text: string): text is Role =>
  text === 'agent' || text === 'manager' || text === 'admin';

/**
 * `kennel://<clusterId>/<role>/<name>`, the subject alternative name that carries an identity.
 * Null when a part could not be read back as it was given.
 */
export function formatIdentityUri(identity: SubjectIdentity): string | null {
  const { clusterId, role, name } = identity;
  if (!clusterIdForm.test(clusterId) || !nameForm.test(name)) return null;
  return `kennel://${clusterId}/${role}/${name}`;
}

/** The inverse of `formatIdentityUri`; null for anything that it would not have written. */
export function parseIdentityUri(uri: string): SubjectIdentity | null {
  const match = uriForm.exec(uri);
  const [, clusterId, role, name] = match ?? [];
  if (clusterId === undefined || role === undefined || name === undefined) return null;
  if (!clusterIdForm.test(clusterId) || !nameForm.test(name) || !isRole(role)) return null;
  return { clusterId, role, name };
}
