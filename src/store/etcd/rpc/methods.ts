import type { Message } from './message.ts';
import {
  authenticateRequest,
  authenticateResponse,
  compactionRequest,
  compactionResponse,
  leaseGrantRequest,
  leaseGrantResponse,
  leaseKeepAliveRequest,
  leaseKeepAliveResponse,
  leaseRevokeRequest,
  leaseRevokeResponse,
  moveLeaderRequest,
  moveLeaderResponse,
  rangeRequest,
  rangeResponse,
  statusRequest,
  statusResponse,
  txnRequest,
  txnResponse,
  watchRequest,
  watchResponse,
} from './messages.ts';

/** One remote procedure. `In` is what a client sends, `Out` what it gets. */
export interface Method<Request, In, Out, Response> {
  readonly path: string;
  readonly request: Message<Request, In>;
  readonly response: Message<Out, Response>;
}

function method<Request, In, Out, Response>(
  path: string,
  request: Message<Request, In>,
  response: Message<Out, Response>,
): Method<Request, In, Out, Response> {
  return { path: `/etcdserverpb.${path}`, request, response };
}

/** The procedures of etcd that are used, here and by the tools that test this driver. */
export const methods = {
  range: method('KV/Range', rangeRequest, rangeResponse),
  txn: method('KV/Txn', txnRequest, txnResponse),
  compact: method('KV/Compact', compactionRequest, compactionResponse),
  leaseGrant: method('Lease/LeaseGrant', leaseGrantRequest, leaseGrantResponse),
  leaseRevoke: method('Lease/LeaseRevoke', leaseRevokeRequest, leaseRevokeResponse),
  /** Both ways a stream. */
  leaseKeepAlive: method('Lease/LeaseKeepAlive', leaseKeepAliveRequest, leaseKeepAliveResponse),
  /** Both ways a stream. */
  watch: method('Watch/Watch', watchRequest, watchResponse),
  status: method('Maintenance/Status', statusRequest, statusResponse),
  moveLeader: method('Maintenance/MoveLeader', moveLeaderRequest, moveLeaderResponse),
  authenticate: method('Auth/Authenticate', authenticateRequest, authenticateResponse),
} as const;
