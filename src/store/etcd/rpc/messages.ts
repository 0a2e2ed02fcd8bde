import {
  bool,
  bytes,
  enumeration,
  identity,
  int64,
  many,
  message,
  one,
  text,
  texts,
  type Decoded,
  type Encodable,
  type Message,
} from './message.ts';

/*
 * etcd's v3 API as far as it is used. Numbers and names are etcd's; fields that nobody here reads or
 * sends are left out, and skipped when they come.
 */

export const responseHeader = message({
  clusterId: identity(1),
  memberId: identity(2),
  revision: int64(3),
});

/** `lease` is an identity: other clients of a shared etcd draw theirs from all 64 bits. */
export const keyValue = message({
  key: bytes(1),
  createRevision: int64(2),
  modRevision: int64(3),
  value: bytes(5),
  lease: identity(6),
});
export type WireKeyValue = Decoded<typeof keyValue>;

export const sortByCreateRevision = 2;
export const ascending = 1;

export const rangeRequest = message({
  key: bytes(1),
  rangeEnd: bytes(2),
  limit: int64(3),
  revision: int64(4),
  sortOrder: enumeration(5),
  sortTarget: enumeration(6),
  serializable: bool(7),
  countOnly: bool(9),
});
export const rangeResponse = message({
  header: one(1, () => responseHeader),
  kvs: many(2, () => keyValue),
});

const putRequest = message({ key: bytes(1), value: bytes(2), lease: identity(3) });
const putResponse = message({ header: one(1, () => responseHeader) });
const deleteRangeRequest = message({ key: bytes(1), rangeEnd: bytes(2) });
const deleteRangeResponse = message({ header: one(1, () => responseHeader), deleted: int64(2) });

export const compareTarget = { create: 1, mod: 2 } as const;

/** `result` is left out: equal. */
const compare = message({
  target: enumeration(2),
  key: bytes(3),
  createRevision: int64(5),
  modRevision: int64(6),
});
export type WireCompare = Encodable<typeof compare>;

/** A transaction may hold transactions, so these types are written out to end the circle. */
export interface WireRequestOp {
  readonly range?: Encodable<typeof rangeRequest>;
  readonly put?: Encodable<typeof putRequest>;
  readonly deleteRange?: Encodable<typeof deleteRangeRequest>;
  readonly txn?: WireTxnRequest;
}
export interface WireTxnRequest {
  readonly compare?: readonly WireCompare[];
  readonly success?: readonly WireRequestOp[];
  readonly failure?: readonly WireRequestOp[];
}
export interface DecodedRequestOp {
  readonly range: Decoded<typeof rangeRequest> | null;
  readonly put: Decoded<typeof putRequest> | null;
  readonly deleteRange: Decoded<typeof deleteRangeRequest> | null;
  readonly txn: DecodedTxnRequest | null;
}
export interface DecodedTxnRequest {
  readonly compare: readonly Decoded<typeof compare>[];
  readonly success: readonly DecodedRequestOp[];
  readonly failure: readonly DecodedRequestOp[];
}

const requestOp: Message<DecodedRequestOp, WireRequestOp> = message({
  range: one(1, () => rangeRequest),
  put: one(2, () => putRequest),
  deleteRange: one(3, () => deleteRangeRequest),
  txn: one(4, () => txnRequest),
});
export const txnRequest: Message<DecodedTxnRequest, WireTxnRequest> = message({
  compare: many(1, () => compare),
  success: many(2, () => requestOp),
  failure: many(3, () => requestOp),
});

/** Answers of transactions within a transaction are of no interest. */
const responseOp = message({
  range: one(1, () => rangeResponse),
  put: one(2, () => putResponse),
  deleteRange: one(3, () => deleteRangeResponse),
});
export const txnResponse = message({
  header: one(1, () => responseHeader),
  succeeded: bool(2),
  responses: many(3, () => responseOp),
});
export type TxnResponse = Decoded<typeof txnResponse>;

export const compactionRequest = message({ revision: int64(1), physical: bool(2) });
export const compactionResponse = message({ header: one(1, () => responseHeader) });

/** Lease ids of ours are below 2^53; the TTL is in whole seconds. */
export const leaseGrantRequest = message({ ttl: int64(1), id: identity(2) });
export const leaseGrantResponse = message({
  header: one(1, () => responseHeader),
  id: identity(2),
  ttl: int64(3),
  error: text(4),
});
export const leaseRevokeRequest = message({ id: identity(1) });
export const leaseRevokeResponse = message({ header: one(1, () => responseHeader) });
export const leaseKeepAliveRequest = message({ id: identity(1) });
export const leaseKeepAliveResponse = message({
  header: one(1, () => responseHeader),
  id: identity(2),
  /** 0 = there is no such lease. */
  ttl: int64(3),
});

export const eventType = { put: 0, delete: 1 } as const;
const event = message({ type: enumeration(1), kv: one(2, () => keyValue) });
export type WireEvent = Decoded<typeof event>;

const watchCreateRequest = message({
  key: bytes(1),
  rangeEnd: bytes(2),
  startRevision: int64(3),
  progressNotify: bool(4),
});
const watchProgressRequest = message({});
export const watchRequest = message({
  create: one(1, () => watchCreateRequest),
  progress: one(3, () => watchProgressRequest),
});
export const watchResponse = message({
  header: one(1, () => responseHeader),
  watchId: int64(2),
  created: bool(3),
  canceled: bool(4),
  compactRevision: int64(5),
  cancelReason: text(6),
  events: many(11, () => event),
});
export type WatchResponse = Decoded<typeof watchResponse>;

export const statusRequest = message({});
export const statusResponse = message({
  header: one(1, () => responseHeader),
  version: text(2),
  /** 0 = this member knows no leader. */
  leader: identity(4),
  errors: texts(8),
});
export const moveLeaderRequest = message({ targetId: identity(1) });
export const moveLeaderResponse = message({ header: one(1, () => responseHeader) });

export const authenticateRequest = message({ name: text(1), password: text(2) });
export const authenticateResponse = message({
  header: one(1, () => responseHeader),
  token: text(2),
});
