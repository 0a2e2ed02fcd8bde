import { domainRef } from './domain-ref.ts';
import type { Carried, Codec, Decoded } from './xdr.ts';
import { decode, fixedOpaque, int32, optional, string, struct } from './xdr.ts';

/** libvirt's error numbers that decide something here. Source: its public enum. */
export const libvirtError = {
  internal: 1,
  noSupport: 3,
  invalidArgument: 8,
  operationFailed: 9,
  xml: 27,
  domainExists: 28,
  /** Not well-formed. */
  xmlDetail: 35,
  system: 38,
  rpc: 39,
  noDomain: 42,
  authentication: 45,
  operationInvalid: 55,
  configUnsupported: 67,
  /** Another job holds the domain. */
  timeout: 68,
  noMetadata: 80,
  unsupported: 84,
  agentUnresponsive: 86,
  /** Someone else holds the lease of a disk. */
  busy: 87,
  accessDenied: 88,
  /** Refused by the schema. */
  xmlInvalid: 92,
} as const;

/** What stands behind our own codes. Stable: `kennel explain` documents them. */
const codes: Readonly<Record<number, string>> = {
  [libvirtError.internal]: 'libvirtInternal',
  [libvirtError.noSupport]: 'libvirtUnsupported',
  [libvirtError.invalidArgument]: 'libvirtInvalidArgument',
  [libvirtError.operationFailed]: 'libvirtOperationFailed',
  [libvirtError.xml]: 'domainXmlInvalid',
  [libvirtError.xmlDetail]: 'domainXmlInvalid',
  [libvirtError.domainExists]: 'domainNameTaken',
  [libvirtError.system]: 'libvirtSystemError',
  [libvirtError.rpc]: 'libvirtRpc',
  [libvirtError.noDomain]: 'noDomain',
  [libvirtError.authentication]: 'libvirtAuthRequired',
  [libvirtError.operationInvalid]: 'operationInvalid',
  [libvirtError.configUnsupported]: 'domainXmlUnsupported',
  [libvirtError.timeout]: 'domainBusy',
  [libvirtError.noMetadata]: 'noMetadata',
  [libvirtError.unsupported]: 'libvirtUnsupported',
  [libvirtError.agentUnresponsive]: 'guestAgentUnresponsive',
  [libvirtError.busy]: 'diskLockHeld',
  [libvirtError.accessDenied]: 'libvirtAccessDenied',
  [libvirtError.xmlInvalid]: 'domainXmlInvalid',
};

/** An error as libvirt sends it. Decided by `number` alone; `message` is for people. */
export interface LibvirtError {
  readonly number: number;
  readonly code: string;
  readonly message: string;
}

/** Field by field as on the wire; most of it is never filled. */
interface ErrorPayload {
  readonly code: number;
  readonly subsystem: number;
  readonly message: string | null;
  readonly level: number;
  readonly domain: Carried<typeof domainRef> | null;
  readonly text1: string | null;
  readonly text2: string | null;
  readonly text3: string | null;
  readonly number1: number;
  readonly number2: number;
  readonly network: { readonly name: string; readonly uuid: Uint8Array } | null;
}

/** The payload of a reply with status error. */
export const errorPayload: Codec<ErrorPayload> = struct<ErrorPayload>({
  code: int32,
  subsystem: int32,
  message: optional(string),
  level: int32,
  domain: optional(domainRef),
  text1: optional(string),
  text2: optional(string),
  text3: optional(string),
  number1: int32,
  number2: int32,
  network: optional(
    struct<{ name: string; uuid: Uint8Array }>({ name: string, uuid: fixedOpaque(16) }),
  ),
});

/** Our code for a libvirt error number; `libvirtError<n>` for the ones without a name. */
export function errorCode(number: number): string {
  return codes[number] ?? `libvirtError${number}`;
}

/** Reads an error reply; its numbers beyond our table get a code of their own. */
export function decodeError(payload: Uint8Array): Decoded<LibvirtError> {
  const decoded = decode(errorPayload, payload);
  if (decoded.kind === 'malformed') return decoded;
  const { code, message } = decoded.value;
  return {
    kind: 'ok',
    value: { number: code, code: errorCode(code), message: message ?? `libvirt error ${code}` },
  };
}
