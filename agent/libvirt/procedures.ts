import type { DomainRef } from './domain-ref.ts';
import { domainRef } from './domain-ref.ts';
import { qemuProgram } from './framing.ts';
import type { Parameter } from './typed-parameters.ts';
import { parameters, parametersUpTo } from './typed-parameters.ts';
import type { Codec } from './xdr.ts';
import {
  array,
  fixedArray,
  fixedOpaque,
  int32,
  nothing,
  opaque,
  optional,
  string,
  struct,
  uint32,
  uint64,
} from './xdr.ts';

/** The oldest libvirt this table was tested against: major * 1,000,000 + minor * 1000 + patch. */
export const minimumLibvirtVersion = 9_000_000;

/** One remote procedure: its number and what travels each way. */
export interface Procedure<Args, Ret> {
  readonly name: string;
  readonly number: number;
  /** Default: the remote program. */
  readonly program?: number;
  readonly args: Codec<Args>;
  readonly ret: Codec<Ret>;
}

/** Ties the types of both directions to the codecs. */
function procedure<Args, Ret>(
  name: string,
  number: number,
  args: Codec<Args>,
  ret: Codec<Ret>,
): Procedure<Args, Ret> {
  return { name, number, args, ret };
}

/** libvirt's own bound on a list of domains. */
const maxDomains = 16_384;
/** libvirt's own bounds on a migration's parameters and cookie. */
const maxMigrationParameters = 64;
const cookie = opaque(4_194_304);
const domains = array(domainRef, maxDomains);
const withFlags = struct<{ domain: DomainRef; flags: number }>({
  domain: domainRef,
  flags: uint32,
});
const theDomain = struct<{ domain: DomainRef }>({ domain: domainRef });
/** A snapshot as libvirt knows it: by name, of one domain. */
export interface SnapshotRef {
  readonly name: string;
  readonly domain: DomainRef;
}

const snapshotRef = struct<SnapshotRef>({ name: string, domain: domainRef });
const snapshotWithFlags = struct<{ snapshot: SnapshotRef; flags: number }>({
  snapshot: snapshotRef,
  flags: uint32,
});
const text = struct<{ text: string }>({ text: string });
const version = struct<{ version: bigint }>({ version: uint64 });

export interface DomainStats {
  readonly domain: DomainRef;
  readonly parameters: readonly Parameter[];
}

/**
 * What the agent calls. Numbers and field types as of libvirt 9.0.0; they are only ever added to,
 * because old clients must work with new daemons.
 */
export const procedures = {
  connectOpen: procedure(
    'CONNECT_OPEN',
    1,
    struct<{ uri: string | null; flags: number }>({ uri: optional(string), flags: uint32 }),
    nothing,
  ),
  getVersion: procedure('CONNECT_GET_VERSION', 4, nothing, version),
  nodeGetInfo: procedure(
    'NODE_GET_INFO',
    6,
    nothing,
    struct<{
      /** The characters of the CPU's name, one per word. */
      model: readonly number[];
      memoryKib: bigint;
      cpus: number;
      mhz: number;
      nodes: number;
      sockets: number;
      cores: number;
      threads: number;
    }>({
      model: fixedArray(int32, 32),
      memoryKib: uint64,
      cpus: int32,
      mhz: int32,
      nodes: int32,
      sockets: int32,
      cores: int32,
      threads: int32,
    }),
  ),
  getXmlDesc: procedure('DOMAIN_GET_XML_DESC', 14, withFlags, text),
  lookupByUuid: procedure(
    'DOMAIN_LOOKUP_BY_UUID',
    24,
    struct<{ uuid: Uint8Array }>({ uuid: fixedOpaque(16) }),
    theDomain,
  ),
  setAutostart: procedure(
    'DOMAIN_SET_AUTOSTART',
    29,
    struct<{ domain: DomainRef; autostart: number }>({ domain: domainRef, autostart: int32 }),
    nothing,
  ),
  reboot: procedure('DOMAIN_REBOOT', 27, withFlags, nothing),
  resume: procedure('DOMAIN_RESUME', 28, theDomain, nothing),
  suspend: procedure('DOMAIN_SUSPEND', 34, theDomain, nothing),
  supportsFeature: procedure(
    'CONNECT_SUPPORTS_FEATURE',
    60,
    struct<{ feature: number }>({ feature: int32 }),
    struct<{ supported: number }>({ supported: int32 }),
  ),
  authList: procedure(
    'AUTH_LIST',
    66,
    nothing,
    struct<{ types: readonly number[] }>({ types: array(int32, 20) }),
  ),
  getLibVersion: procedure('CONNECT_GET_LIB_VERSION', 157, nothing, version),
  abortJob: procedure('DOMAIN_ABORT_JOB', 164, theDomain, nothing),
  hasManagedSave: procedure(
    'DOMAIN_HAS_MANAGED_SAVE_IMAGE',
    183,
    withFlags,
    struct<{ result: number }>({ result: int32 }),
  ),
  managedSaveRemove: procedure('DOMAIN_MANAGED_SAVE_REMOVE', 184, withFlags, nothing),
  snapshotCreateXml: procedure(
    'DOMAIN_SNAPSHOT_CREATE_XML',
    185,
    struct<{ domain: DomainRef; xml: string; flags: number }>({
      domain: domainRef,
      xml: string,
      flags: uint32,
    }),
    struct<{ snapshot: SnapshotRef }>({ snapshot: snapshotRef }),
  ),
  revertToSnapshot: procedure('DOMAIN_REVERT_TO_SNAPSHOT', 192, snapshotWithFlags, nothing),
  snapshotDelete: procedure('DOMAIN_SNAPSHOT_DELETE', 193, snapshotWithFlags, nothing),
  createWithFlags: procedure('DOMAIN_CREATE_WITH_FLAGS', 196, withFlags, theDomain),
  openConsole: procedure(
    'DOMAIN_OPEN_CONSOLE',
    201,
    struct<{ domain: DomainRef; device: string | null; flags: number }>({
      domain: domainRef,
      device: optional(string),
      flags: uint32,
    }),
    nothing,
  ),
  screenshot: procedure(
    'DOMAIN_SCREENSHOT',
    211,
    struct<{ domain: DomainRef; screen: number; flags: number }>({
      domain: domainRef,
      screen: uint32,
      flags: uint32,
    }),
    struct<{ mime: string | null }>({ mime: optional(string) }),
  ),
  undefineFlags: procedure('DOMAIN_UNDEFINE_FLAGS', 231, withFlags, nothing),
  destroyFlags: procedure('DOMAIN_DESTROY_FLAGS', 234, withFlags, nothing),
  reset: procedure('DOMAIN_RESET', 245, withFlags, nothing),
  shutdownFlags: procedure('DOMAIN_SHUTDOWN_FLAGS', 258, withFlags, nothing),
  setMetadata: procedure(
    'DOMAIN_SET_METADATA',
    264,
    struct<{
      domain: DomainRef;
      type: number;
      metadata: string | null;
      key: string | null;
      uri: string | null;
      flags: number;
    }>({
      domain: domainRef,
      type: int32,
      metadata: optional(string),
      key: optional(string),
      uri: optional(string),
      flags: uint32,
    }),
    nothing,
  ),
  getMetadata: procedure(
    'DOMAIN_GET_METADATA',
    265,
    struct<{ domain: DomainRef; type: number; uri: string | null; flags: number }>({
      domain: domainRef,
      type: int32,
      uri: optional(string),
      flags: uint32,
    }),
    text,
  ),
  listAllDomains: procedure(
    'CONNECT_LIST_ALL_DOMAINS',
    273,
    struct<{ needResults: number; flags: number }>({ needResults: int32, flags: uint32 }),
    struct<{ domains: readonly DomainRef[]; count: number }>({ domains, count: uint32 }),
  ),
  getJobStats: procedure(
    'DOMAIN_GET_JOB_STATS',
    298,
    withFlags,
    struct<{ type: number; parameters: readonly Parameter[] }>({ type: int32, parameters }),
  ),
  migratePerform3Params: procedure(
    'DOMAIN_MIGRATE_PERFORM3_PARAMS',
    305,
    struct<{
      domain: DomainRef;
      destination: string | null;
      parameters: readonly Parameter[];
      cookie: Uint8Array;
      flags: number;
    }>({
      domain: domainRef,
      destination: optional(string),
      parameters: parametersUpTo(maxMigrationParameters),
      cookie,
      flags: uint32,
    }),
    struct<{ cookie: Uint8Array }>({ cookie }),
  ),
  eventRegister: procedure(
    'CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY',
    316,
    struct<{ event: number; domain: DomainRef | null }>({
      event: int32,
      domain: optional(domainRef),
    }),
    struct<{ callback: number }>({ callback: int32 }),
  ),
  allDomainStats: procedure(
    'CONNECT_GET_ALL_DOMAIN_STATS',
    344,
    struct<{ domains: readonly DomainRef[]; stats: number; flags: number }>({
      domains,
      stats: uint32,
      flags: uint32,
    }),
    struct<{ records: readonly DomainStats[] }>({
      records: array(struct<DomainStats>({ domain: domainRef, parameters }), maxDomains),
    }),
  ),
  defineXmlFlags: procedure(
    'DOMAIN_DEFINE_XML_FLAGS',
    350,
    struct<{ xml: string; flags: number }>({ xml: string, flags: uint32 }),
    theDomain,
  ),
  agentCommand: {
    ...procedure(
      'QEMU_DOMAIN_AGENT_COMMAND',
      3,
      struct<{ domain: DomainRef; command: string; timeoutS: number; flags: number }>({
        domain: domainRef,
        command: string,
        timeoutS: int32,
        flags: uint32,
      }),
      struct<{ answer: string | null }>({ answer: optional(string) }),
    ),
    program: qemuProgram,
  },
} as const;
