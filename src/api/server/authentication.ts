import type { TLSSocket } from 'node:tls';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import type { PeerIdentity } from '../../env/network.ts';
import { certificateProblem } from '../../pki/certificate-identity.ts';
import type { Credentials } from '../../pki/credentials.ts';
import { peerOfSocket } from '../../pki/tls.ts';

/** The manager at the other end; E_CERTIFICATE or E_FORBIDDEN for anybody else. */
export function managerOf(
  socket: TLSSocket,
  credentials: Credentials,
  nowIso: string,
): Outcome<PeerIdentity> {
  const check = peerOfSocket(socket, credentials, { nowIso });
  if (check.kind === 'refused') return problem(certificateProblem('the caller', check));
  if (check.identity.role === 'manager') return ok(check.identity);
  return forbidden(check.identity, 'it is for managers that join');
}

/**
 * The administrator at the other end of a connection. E_CERTIFICATE without a valid certificate of
 * this cluster, E_FORBIDDEN for agents and managers: they have sessions, and no say over people's
 * commands. That a peer could open the unix socket proves nothing.
 */
export function administratorOf(
  socket: TLSSocket,
  credentials: Credentials,
  nowIso: string,
): Outcome<PeerIdentity> {
  const check = peerOfSocket(socket, credentials, { nowIso });
  if (check.kind === 'refused') return problem(certificateProblem('the caller', check));
  const { identity } = check;
  if (identity.role === 'admin') return ok(identity);
  return forbidden(identity, 'it takes certificates of administrators only');
}

function forbidden(identity: PeerIdentity, because: string): Outcome<never> {
  return problem({
    code: 'E_FORBIDDEN',
    what: `${identity.role} ${identity.name} may not use this interface`,
    because,
    so: 'nothing was answered and nothing was changed',
    try: ['use the credentials of an administrator'],
  });
}
