import { X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import type {
  Handover,
  JoinManager,
  ManagerJoined,
  ManagerRebuilt,
} from '../api/schema/managers.ts';
import type { Join, Joined } from '../api/schema/requests.ts';
import { problem, type Outcome } from '../core/problem.ts';
import { realClock } from '../env/real/clock.ts';
import {
  fingerprintOf,
  identityOfCertificate,
  type CertificateCheck,
} from '../pki/certificate-identity.ts';
import type { Credentials } from '../pki/credentials.ts';
import { parseJoinToken } from '../pki/join-token.ts';
import { certificatesOfPem, pemBlocks } from '../pki/pem.ts';
import type { Answer } from './answer-schemas.ts';
import { routeTo } from './connection.ts';
import { pause, type CallOptions } from './deadline.ts';
import { parseAnswer } from './parse-answer.ts';
import { Route, type Opener, type RoutedRequest } from './route.ts';
import { openVerifiedSocket } from './verified-socket.ts';

export interface JoinOptions extends Join, CallOptions {
  readonly manager: { readonly host: string; readonly port: number };
}

/**
 * Enrols a node. Before anything is sent, the manager has to show the authority whose fingerprint
 * is in the token, and a manager's certificate that this authority issued. Afterwards the answer
 * is checked too: the certificate must be for our key, our name and that authority.
 * Problems: E_TOKEN_INVALID, E_TOKEN_EXPIRED, E_CERTIFICATE, E_MACHINE_MISMATCH, E_UNAVAILABLE,
 * E_AMBIGUOUS.
 */
export async function joinCluster(options: JoinOptions): Promise<Outcome<Joined>> {
  const token = parseJoinToken(options.token);
  if (token.kind === 'problem') return token;
  const { authorityFingerprint } = token.value;
  const { node, machineId, address, certificateRequest } = options;
  const body: Join = { token: options.token.trim(), node, machineId, address, certificateRequest };
  return enrol(options, {
    path: '/v1/join',
    body,
    form: 'joined',
    authorityFingerprint,
    asked: { role: 'agent', name: node, certificateRequest },
  });
}

export interface JoinManagerOptions extends JoinManager, CallOptions {
  readonly manager: { readonly host: string; readonly port: number };
}

/** Enrols a manager, as `joinCluster` does a node. What it needs besides comes by `fetchHandover`. */
export async function joinAsManager(options: JoinManagerOptions): Promise<Outcome<ManagerJoined>> {
  const token = parseJoinToken(options.token);
  if (token.kind === 'problem') return token;
  const { authorityFingerprint } = token.value;
  const { name, api, sessions, certificateRequest } = options;
  const body: JoinManager = {
    token: options.token.trim(),
    name,
    api,
    sessions,
    certificateRequest,
  };
  return enrol(options, {
    path: '/v1/managers/join',
    body,
    form: 'managerJoined',
    authorityFingerprint,
    asked: { role: 'manager', name, certificateRequest },
  });
}

/** The secrets of the cluster, over mutual TLS with the certificate that was just given. */
export async function fetchHandover(
  manager: { readonly host: string; readonly port: number },
  credentials: Credentials,
): Promise<Outcome<Handover>> {
  const route = routeTo({ targets: [manager], credentials }, true);
  const request = { method: 'POST', path: '/v1/managers/handover', body: undefined } as const;
  // It changes nothing, and may be asked for again.
  const got = await route.call({ ...request, changes: false }, {});
  if (got.kind === 'problem') return got;
  return parseAnswer(got.value.who, got.value.answer, 'handover');
}

/**
 * Asks for a new number for the manager whose certificate this is. Asked again, it gives another one,
 * so nothing is lost when the answer is (E_AMBIGUOUS).
 */
export async function askForRebuild(
  manager: { readonly host: string; readonly port: number },
  credentials: Credentials,
): Promise<Outcome<ManagerRebuilt>> {
  const route = routeTo({ targets: [manager], credentials }, true);
  const request = { method: 'POST', path: '/v1/managers/rebuild', body: undefined } as const;
  const got = await route.call({ ...request, changes: true }, {});
  if (got.kind === 'problem') return got;
  return parseAnswer(got.value.who, got.value.answer, 'managerRebuilt');
}

/** What was asked for, and what the answer has to be. */
interface Enrolling<F extends 'joined' | 'managerJoined'> {
  readonly path: string;
  readonly body: Join | JoinManager;
  readonly form: F;
  readonly authorityFingerprint: string;
  readonly asked: Asked;
}

interface Asked {
  readonly role: 'agent' | 'manager';
  readonly name: string;
  readonly certificateRequest: string;
}

async function enrol<F extends 'joined' | 'managerJoined'>(
  options: CallOptions & { readonly manager: { readonly host: string; readonly port: number } },
  { path, body, form, authorityFingerprint, asked }: Enrolling<F>,
): Promise<Outcome<Answer<F>>> {
  // The one that leads may be another; it has to show the same authority.
  const open: Opener = (target, signal) =>
    openVerifiedSocket(target, {
      context: { minVersion: 'TLSv1.3' },
      verify: (socket) => pinnedManager(socket, authorityFingerprint),
      signal,
    });
  const route = new Route([options.manager], open, true);
  const request: RoutedRequest = { method: 'POST', path, body, changes: true };
  const { who, joined } = await askUntilKnown(route, { request, form, options });
  if (joined.kind === 'problem') return joined;
  const because = misfit(joined.value, asked, authorityFingerprint);
  return because === null ? joined : wrongCertificate(who, because);
}

/** A join whose answer got lost is asked for again this often… */
const maxAsks = 4;
/** …after this pause, in ms. */
const againMs = 1000;

/** A manager gives the same certificate to the same token and key: to ask again does no harm. */
async function askUntilKnown<F extends 'joined' | 'managerJoined'>(
  route: Route,
  { request, form, options }: { request: RoutedRequest; form: F; options: CallOptions },
): Promise<{ readonly who: string; readonly joined: Outcome<Answer<F>> }> {
  for (let ask = 1; ; ask += 1) {
    const got = await route.call(request, options);
    const joined =
      got.kind === 'problem' ? got : await parseAnswer(got.value.who, got.value.answer, form);
    const who = got.kind === 'problem' ? 'the manager' : got.value.who;
    const isUnknown = joined.kind === 'problem' && joined.problem.code === 'E_AMBIGUOUS';
    const isSilent =
      ask > 1 && joined.kind === 'problem' && joined.problem.code === 'E_UNAVAILABLE';
    if (ask === maxAsks || !(isUnknown || isSilent)) return { who, joined };
    await pause(againMs, options.signal);
  }
}

/** The manager, if its chain leads to exactly the authority that the token names. */
function pinnedManager(socket: TLSSocket, authorityFingerprint: string): CertificateCheck {
  const shown = socket.getPeerCertificate(true);
  const authority = chainOf(shown).find((der) => fingerprintOf(der) === authorityFingerprint);
  if (authority === undefined) {
    return {
      kind: 'refused',
      because: 'foreignAuthority',
      detail: 'it is not of the cluster that made the join token: the fingerprint differs',
      identity: null,
    };
  }
  const nowIso = realClock().wallIso();
  return identityOfCertificate(shown.raw, [authority], { nowIso, role: 'manager' });
}

function chainOf(leaf: DetailedPeerCertificate): readonly Uint8Array[] {
  const chain: Uint8Array[] = [];
  let next: DetailedPeerCertificate | undefined = leaf.raw === undefined ? undefined : leaf;
  // A self-signed one is its own issuer, for ever.
  while (next !== undefined && chain.length < 8) {
    chain.push(next.raw);
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
  }
  return chain;
}

/** What is wrong with the certificate that came back; null when it is ours. */
function misfit(
  joined: Pick<Joined, 'clusterId' | 'certificate' | 'certificateAuthority'>,
  asked: Asked,
  authorityFingerprint: string,
): string | null {
  const authorities = certificatesOfPem(joined.certificateAuthority);
  const pinned = authorities.find((der) => fingerprintOf(der) === authorityFingerprint);
  const [certificate] = certificatesOfPem(joined.certificate);
  if (pinned === undefined || certificate === undefined) return 'it is not of the pinned authority';
  const check = identityOfCertificate(certificate, [pinned], {
    nowIso: realClock().wallIso(),
    clusterId: joined.clusterId,
    role: asked.role,
  });
  if (check.kind === 'refused') return check.detail;
  if (check.identity.name !== asked.name) return `it is for ${check.identity.name}`;
  const key = new X509Certificate(certificate).publicKey.export({ format: 'der', type: 'spki' });
  const [request] = pemBlocks(asked.certificateRequest);
  const isOurs = request !== undefined && Buffer.from(request.der).includes(key);
  return isOurs ? null : 'it is for another key than ours';
}

function wrongCertificate(who: string, because: string): Outcome<never> {
  return problem({
    code: 'E_CERTIFICATE',
    what: `the certificate that ${who} sent is not the one that was asked for`,
    because,
    so: 'it is not used; the name may be listed as joining',
    try: ['kennel status', 'join again with a fresh token'],
  });
}
