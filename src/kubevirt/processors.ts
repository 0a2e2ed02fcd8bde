import type { Cursor } from './cursor.ts';
import { quantityOf } from './quantity.ts';
import type { FileCpu } from './vm-file.ts';

const maxCpus = 1024;

interface Processors {
  readonly cpus: number;
  readonly cpu?: FileCpu;
}

interface Sources {
  readonly domain: Cursor;
  /** `spec` of the instance type and preference; nowhere where there is none. */
  readonly instancetype: Cursor;
  readonly preference: Cursor;
}

interface Shape {
  readonly cpus: number;
  readonly topology: { readonly sockets: number; readonly cores: number; readonly threads: number };
}

/** Number, topology, model and features of the CPUs. */
export function processorsOf({ domain, instancetype, preference }: Sources): Processors {
  const cpu = domain.at('cpu');
  const shape = shapeOf(cpu, instancetype, preference) ?? byResources(domain.at('resources'));
  const model = cpu.at('model').word(64) ?? instancetype.at('cpu', 'model').word(64);
  const features = [
    ...cpu.at('features').items(),
    ...preference.at('cpu', 'preferredCPUFeatures').items(),
  ].map(featureOf);
  const require = features.filter((one) => one.isWanted).map((one) => one.name);
  const disable = features.filter((one) => !one.isWanted).map((one) => one.name);
  const fields: FileCpu = {
    ...(model === null ? {} : { model: modelNames[model] ?? model }),
    ...(require.length === 0 ? {} : { require: unique(require) }),
    ...(disable.length === 0 ? {} : { disable: unique(disable) }),
    ...shape.topology,
  };
  const cpus = shape.cpus;
  if (cpus > maxCpus)
    cpu.refuse(`are ${cpus} CPUs, and a VM has at most ${maxCpus}`, { isFinal: true });
  return Object.keys(fields).length === 0 ? { cpus } : { cpus, cpu: fields };
}

const modelNames: Readonly<Record<string, string>> = {
  'host-model': 'hostModel',
  'host-passthrough': 'hostPassthrough',
};

function shapeOf(cpu: Cursor, instancetype: Cursor, preference: Cursor): Shape | null {
  const [sockets, cores, threads] = ['sockets', 'cores', 'threads'].map((name) =>
    cpu.at(name).count(1, maxCpus),
  );
  const guest = instancetype.at('cpu', 'guest').count(1, maxCpus);
  const wishAt = preference.at('cpu', 'preferredCPUTopology');
  const wish = wishAt.oneOf(topologies);
  const own = [sockets, cores, threads].some((count) => count !== null && count !== undefined);
  if (guest !== null && own) {
    cpu.refuse('and an instance type cannot both say how many CPUs there are', { isFinal: true });
  }
  if (guest !== null) return { cpus: guest, topology: wished(guest, wish) };
  if (wish !== null) wishAt.lose('note', 'no instance type says how many CPUs there are');
  if (!own) return null;
  const topology = { sockets: sockets ?? 1, cores: cores ?? 1, threads: threads ?? 1 };
  return { cpus: topology.sockets * topology.cores * topology.threads, topology };
}

/** Words of a preference; those that begin with `prefer` are older. */
const topologies = [
  'sockets',
  'cores',
  'threads',
  'spread',
  'any',
  'preferSockets',
  'preferCores',
  'preferThreads',
  'preferSpread',
  'preferAny',
] as const;

/** Sockets are what KubeVirt takes when nobody says anything. */
function wished(guest: number, wish: (typeof topologies)[number] | null): Shape['topology'] {
  switch (wish) {
    case 'cores':
    case 'preferCores':
    case 'spread':
    case 'preferSpread':
      return { sockets: 1, cores: guest, threads: 1 };
    case 'threads':
    case 'preferThreads':
      return { sockets: 1, cores: 1, threads: guest };
    default:
      return { sockets: guest, cores: 1, threads: 1 };
  }
}

/** Without CPUs of its own a VM has as many as its pod may use, at least one. */
function byResources(resources: Cursor): { readonly cpus: number; readonly topology?: undefined } {
  const limit = wholeCpus(resources.at('limits', 'cpu'));
  const request = wholeCpus(resources.at('requests', 'cpu'));
  return { cpus: Math.max(1, limit ?? request ?? 1) };
}

function wholeCpus(place: Cursor): number | null {
  const text = place.amount();
  if (text === null) return null;
  const amount = quantityOf(text);
  if (amount !== null) return Math.ceil(amount);
  place.refuse('is no amount of CPUs', { isFinal: true });
  return null;
}

function featureOf(feature: Cursor): { readonly name: string; readonly isWanted: boolean } {
  const name = feature.at('name').word(64) ?? '';
  const policyAt = feature.at('policy');
  const policy = policyAt.text() ?? 'require';
  if (policy === 'force') policyAt.refuse('a feature that the node lacks cannot be promised');
  if (policy === 'optional') policyAt.lose('note', 'a feature is required, or it is not there');
  if (policy === 'forbid') policyAt.lose('note', 'it starts on a node that has the feature, too');
  if (!['force', 'require', 'optional', 'disable', 'forbid'].includes(policy)) {
    policyAt.refuse('is no policy of libvirt', { isFinal: true });
  }
  return { name, isWanted: policy === 'require' || policy === 'force' };
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
