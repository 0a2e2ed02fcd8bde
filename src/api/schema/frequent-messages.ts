import type { PeerMessage } from './peer.ts';
import { namePattern } from '../../core/model/ids.ts';
import { uuidPattern } from './primitives.ts';
import type { Probe, ProbeEcho } from './probe.ts';
import { maxSightings, type AgentMessage, type ManagerMessage } from './session.ts';

/*
 * Heartbeats, their answers, the pings between managers and the probes between agents are nearly all
 * that is said while nothing happens. They are read here, in a tenth of the time that the general schema takes. What is not
 * plainly one of them is null, and then the schema decides what it is, or says what is wrong with
 * it. Like the schema, a reader copies the fields it knows and drops the others.
 */

export function readHeartbeat(value: unknown): Extract<AgentMessage, { kind: 'heartbeat' }> | null {
  if (value === null || typeof value !== 'object') return null;
  const { kind, sequence, sentAtMs, acknowledged, boundMs } = value as Fields;
  if (kind !== 'heartbeat' || !isCount(sequence)) return null;
  if (typeof sentAtMs !== 'number' || !Number.isFinite(sentAtMs)) return null;
  if (acknowledged !== null && !isCount(acknowledged)) return null;
  if (boundMs === undefined) return { kind, sequence, sentAtMs, acknowledged };
  if (typeof boundMs !== 'number' || !Number.isFinite(boundMs) || boundMs < 0) return null;
  return { kind, sequence, sentAtMs, acknowledged, boundMs };
}

export function readAck(value: unknown): Extract<ManagerMessage, { kind: 'ack' }> | null {
  if (value === null || typeof value !== 'object') return null;
  const { kind, sequence, epoch, incarnation, lease } = value as Fields;
  if (kind !== 'ack' || !isCount(sequence) || !isCount(epoch)) return null;
  if (typeof incarnation !== 'string' || typeof lease !== 'boolean') return null;
  if (incarnation.length < 1 || incarnation.length > 128) return null;
  return { kind, sequence, epoch, incarnation, lease };
}

export function readPeerMessage(value: unknown): PeerMessage | null {
  if (value === null || typeof value !== 'object') return null;
  const { kind, name, revision, leading, heard } = value as Fields;
  // Once a second, and only to whoever leads: that one may take its time.
  if (heard !== undefined) return null;
  if ((kind !== 'peerPing' && kind !== 'peerPong') || !isCount(revision)) return null;
  if (leading !== null && !isCount(leading)) return null;
  if (typeof name !== 'string' || !namePattern.test(name)) return null;
  return { kind, name, revision, leading };
}

type Sightings = Extract<AgentMessage, { kind: 'sightings' }>;

export function readSightings(value: unknown): Sightings | null {
  if (value === null || typeof value !== 'object') return null;
  const { kind, acknowledged, nodes } = value as Fields;
  if (kind !== 'sightings' || !Array.isArray(nodes) || nodes.length > maxSightings) return null;
  if (acknowledged !== null && !isCount(acknowledged)) return null;
  const read: Sightings['nodes'] = [];
  for (const one of nodes) {
    const sighting = readSighting(one);
    if (sighting === null) return null;
    read.push(sighting);
  }
  return { kind, acknowledged, nodes: read };
}

function readSighting(value: unknown): Sightings['nodes'][number] | null {
  if (value === null || typeof value !== 'object') return null;
  const { node, bootId, ageMs } = value as Fields;
  if (typeof node !== 'string' || !namePattern.test(node)) return null;
  if (bootId !== null && (typeof bootId !== 'string' || !uuidPattern.test(bootId))) return null;
  if (ageMs !== null && (typeof ageMs !== 'number' || !Number.isFinite(ageMs) || ageMs < 0)) {
    return null;
  }
  return { node, bootId, ageMs };
}

export function readProbe(value: unknown): Probe | null {
  if (value === null || typeof value !== 'object') return null;
  const { kind, sequence } = value as Fields;
  return kind === 'probe' && isCount(sequence) ? { kind, sequence } : null;
}

export function readProbeEcho(value: unknown): ProbeEcho | null {
  if (value === null || typeof value !== 'object') return null;
  const { kind, sequence, bootId } = value as Fields;
  if (kind !== 'probeEcho' || !isCount(sequence)) return null;
  if (typeof bootId !== 'string' || !uuidPattern.test(bootId)) return null;
  return { kind, sequence, bootId };
}

type Fields = Readonly<Record<string, unknown>>;

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
