/** gRPC's status codes, as far as they are told apart. */
export const grpcStatus = {
  cancelled: 1,
  invalidArgument: 3,
  failedPrecondition: 9,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** A call without an answer. */
export class RpcFailed extends Error {
  /** Null = no answer from a server: the deadline, a lost connection, no connection at all. */
  readonly code: number | null;
  /** False only when no byte of the call can have left this process. */
  readonly wasSent: boolean;

  constructor(
    message: string,
    options: { readonly code: number | null; readonly wasSent: boolean },
  ) {
    super(message);
    this.name = 'RpcFailed';
    this.code = options.code;
    this.wasSent = options.wasSent;
  }
}

/** The token is not known any more: it ran out, or the server lost it in a restart. */
export function isTokenRefused(error: unknown): boolean {
  return error instanceof RpcFailed && error.code === grpcStatus.unauthenticated;
}

/** `etcdserver: mvcc: database space exceeded`. etcd says it also of writes that it has applied. */
export function isOutOfSpace(error: unknown): boolean {
  return error instanceof RpcFailed && error.message.includes('database space exceeded');
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
