import { uuidText } from '../domain-ref.ts';
import type { DomainRef } from '../domain-ref.ts';
import { libvirtError } from '../errors.ts';
import { feature, listTransient } from '../flags.ts';
import { remoteProgram } from '../framing.ts';
import type { Procedure, SnapshotRef } from '../procedures.ts';
import { procedures } from '../procedures.ts';
import { decode } from '../xdr.ts';
import type { FakeConnection } from './fake-connection.ts';
import { encodePayload } from './fake-connection.ts';
import type { FakeDomain } from './fake-domain.ts';
import { currentXml, FakeError, refOf } from './fake-domain.ts';
import type { FakeHost } from './fake-host.ts';
import { createSnapshot, deleteSnapshot } from './fake-snapshots.ts';
import type { FakeLibvirtd } from './fake-libvirtd.ts';

export type ProcedureName = keyof typeof procedures;

/** Where a call came in. */
interface Context {
  readonly daemon: FakeLibvirtd;
  readonly connection: FakeConnection;
}

interface FakeProcedure {
  readonly name: ProcedureName;
  readonly program: number;
  readonly number: number;
  readonly work: (context: Context, payload: Uint8Array) => Promise<Uint8Array>;
}

/** Decode, handle, encode, with the very tables of the client. */
function serve<Args, Ret>(
  name: ProcedureName,
  { number, program = remoteProgram, args, ret }: Procedure<Args, Ret>,
  handle: (args: Args, context: Context, host: FakeHost) => Ret | Promise<Ret>,
): FakeProcedure {
  const work: FakeProcedure['work'] = async (context, payload) => {
    const decoded = decode(args, payload);
    if (decoded.kind === 'malformed') throw new FakeError(libvirtError.rpc, decoded.message);
    return encodePayload(ret, await handle(decoded.value, context, context.daemon.host));
  };
  return { name, program, number, work };
}

/** A procedure on one domain: waits for its lock, then looks it up. */
function onDomain<Args extends { readonly domain: DomainRef }, Ret>(
  name: ProcedureName,
  procedure: Procedure<Args, Ret>,
  handle: (domain: FakeDomain, args: Args, host: FakeHost) => Ret | Promise<Ret>,
): FakeProcedure {
  return serve(name, procedure, async (args, _context, host) => {
    const uuid = uuidText(args.domain.uuid);
    await host.unlocked(uuid);
    return handle(host.find(uuid), args, host);
  });
}

/** Only the state group: the agent asks for no other. */
function statsOf(domain: FakeDomain) {
  const value = (field: string, number: number) => ({
    field,
    value: { type: 'int' as const, value: number },
  });
  return {
    domain: refOf(domain),
    parameters: [value('state.state', domain.state), value('state.reason', domain.reason)],
  };
}

/** All domains when none is named; a named one that is absent is left out. */
async function statsDomains(
  host: FakeHost,
  refs: readonly DomainRef[],
): Promise<readonly FakeDomain[]> {
  if (refs.length === 0) {
    await host.unlocked(null);
    return [...host.domains.values()];
  }
  const uuids = refs.map(({ uuid }) => uuidText(uuid));
  for (const uuid of uuids) await host.unlocked(uuid);
  return uuids.flatMap((uuid) => host.domains.get(uuid) ?? []);
}

const connectionProcedures: readonly FakeProcedure[] = [
  serve('authList', procedures.authList, (_args, { daemon }) => ({
    types: daemon.settings.authTypes,
  })),
  serve('connectOpen', procedures.connectOpen, () => undefined),
  serve('getLibVersion', procedures.getLibVersion, (_args, { daemon }) => ({
    version: daemon.settings.libvirtVersion,
  })),
  serve('getVersion', procedures.getVersion, (_args, { daemon }) => ({
    version: daemon.settings.qemuVersion,
  })),
  serve('supportsFeature', procedures.supportsFeature, (args, { connection }) => {
    const supported = args.feature === feature.keepalive;
    if (supported) connection.startKeepalive();
    return { supported: supported ? 1 : 0 };
  }),
  serve('eventRegister', procedures.eventRegister, ({ event }, { daemon, connection }) => ({
    callback: daemon.register(connection, event),
  })),
  serve('nodeGetInfo', procedures.nodeGetInfo, (_args, { daemon }) => {
    const { memoryKib, cpus } = daemon.settings;
    const model = Array.from({ length: 32 }, () => 0);
    return { model, memoryKib, cpus, mhz: 1000, nodes: 1, sockets: 1, cores: cpus, threads: 1 };
  }),
];

const readProcedures: readonly FakeProcedure[] = [
  serve('lookupByUuid', procedures.lookupByUuid, async ({ uuid }, _context, host) => {
    await host.unlocked(uuidText(uuid));
    return { domain: refOf(host.find(uuidText(uuid))) };
  }),
  serve('listAllDomains', procedures.listAllDomains, async ({ flags }, _context, host) => {
    await host.unlocked(null);
    const wanted = [...host.domains.values()].filter(
      (domain) => (flags & listTransient) === 0 || domain.stored === null,
    );
    return { domains: wanted.map(refOf), count: wanted.length };
  }),
  serve('allDomainStats', procedures.allDomainStats, async ({ domains }, _context, host) => ({
    records: (await statsDomains(host, domains)).map(statsOf),
  })),
  onDomain('getXmlDesc', procedures.getXmlDesc, ({ stored, live }) => {
    const half = stored ?? live;
    return { text: half === null ? '' : currentXml(half) };
  }),
  onDomain('getMetadata', procedures.getMetadata, (domain, { uri, flags }, host) => ({
    text: host.getMetadata(domain, uri ?? '', flags),
  })),
  onDomain('hasManagedSave', procedures.hasManagedSave, ({ savedState }) => ({
    result: savedState ? 1 : 0,
  })),
];

const guestProcedures: readonly FakeProcedure[] = [
  onDomain('agentCommand', procedures.agentCommand, (domain, { command }) => {
    if (domain.id < 0) throw new FakeError(libvirtError.operationInvalid, 'domain is not running');
    const isPing = command === '{"execute":"guest-ping"}';
    if (!domain.agentAnswers || !isPing) {
      throw new FakeError(libvirtError.agentUnresponsive, 'Guest agent is not responding');
    }
    return { answer: '{"return":{}}' };
  }),
];

const changeProcedures: readonly FakeProcedure[] = [
  serve('defineXmlFlags', procedures.defineXmlFlags, ({ xml, flags }, _context, host) => ({
    domain: refOf(host.define(xml, flags)),
  })),
  onDomain('createWithFlags', procedures.createWithFlags, async (domain, { flags }, host) => {
    await host.create(domain, flags);
    return { domain: refOf(domain) };
  }),
  onDomain('destroyFlags', procedures.destroyFlags, async (domain, _args, host) => {
    await host.destroy(domain);
    return undefined;
  }),
  onDomain('shutdownFlags', procedures.shutdownFlags, async (domain, _args, host) => {
    await host.shutdown(domain);
    return undefined;
  }),
  onDomain('suspend', procedures.suspend, (domain, _args, host) => {
    host.suspend(domain);
    return undefined;
  }),
  onDomain('resume', procedures.resume, (domain, _args, host) => {
    host.resume(domain);
    return undefined;
  }),
  onDomain('reset', procedures.reset, (domain, _args, host) => {
    host.reset(domain);
    return undefined;
  }),
  onDomain('reboot', procedures.reboot, (domain, _args, host) => {
    host.reset(domain);
    return undefined;
  }),
  onDomain('undefineFlags', procedures.undefineFlags, async (domain, { flags }, host) => {
    await host.undefine(domain, flags);
    return undefined;
  }),
  onDomain('setAutostart', procedures.setAutostart, (domain, { autostart }, host) => {
    host.setAutostart(domain, autostart !== 0);
    return undefined;
  }),
  onDomain('setMetadata', procedures.setMetadata, (domain, { uri, metadata, flags }, host) => {
    host.setMetadata(domain, uri ?? '', metadata ?? '', flags);
    return undefined;
  }),
  onDomain('managedSaveRemove', procedures.managedSaveRemove, (domain, _args, host) => {
    host.removeSavedState(domain);
    return undefined;
  }),
];

/** A procedure on one snapshot, for which libvirt has to have an entry. */
function onSnapshot(
  name: ProcedureName,
  procedure: Procedure<{ snapshot: SnapshotRef; flags: number }, undefined>,
  handle: (domain: FakeDomain, snapshot: string, flags: number, host: FakeHost) => unknown,
): FakeProcedure {
  return serve(name, procedure, async ({ snapshot, flags }, _context, host) => {
    const uuid = uuidText(snapshot.domain.uuid);
    await host.unlocked(uuid);
    await handle(host.find(uuid), snapshot.name, flags, host);
    return undefined;
  });
}

const snapshotProcedures: readonly FakeProcedure[] = [
  onDomain('snapshotCreateXml', procedures.snapshotCreateXml, (domain, { xml, flags }) => ({
    snapshot: { name: createSnapshot(domain, xml, flags), domain: refOf(domain) },
  })),
  onSnapshot('revertToSnapshot', procedures.revertToSnapshot, (domain, name, _flags, host) =>
    host.revert(domain, name),
  ),
  onSnapshot('snapshotDelete', procedures.snapshotDelete, deleteSnapshot),
];

/** Every procedure that the fake answers. */
export const fakeProcedures: readonly FakeProcedure[] = [
  ...connectionProcedures,
  ...readProcedures,
  ...guestProcedures,
  ...changeProcedures,
  ...snapshotProcedures,
];
