import { z } from 'zod';
import { formatHostPort, parseHostPort } from '../../api/schema/host-port.ts';
import { nameSchema } from '../../api/schema/primitives.ts';
import {
  defaultGuestPolicy,
  type GuestCheck,
  type GuestPolicy,
  type HealthCheck,
} from '../../core/model/guest.ts';
import type { VmDependency } from '../../core/model/order.ts';
import { parseDuration } from '../duration.ts';

const duration = z.string().transform((text, context) => {
  const parsed = parseDuration(text);
  if (parsed.kind === 'ok') return parsed.ms;
  context.addIssue(parsed.because);
  return z.NEVER;
});

const tcp = z.string().transform((text, context): GuestCheck => {
  const parsed = parseHostPort(text);
  if (parsed.kind === 'ok') return { kind: 'tcp', host: parsed.host, port: parsed.port };
  context.addIssue(parsed.because);
  return z.NEVER;
});

const http = z.string().transform((text, context): GuestCheck => {
  const url = URL.parse(text);
  if (url?.protocol === 'http:' && url.username === '' && url.hash === '') {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const port = url.port === '' ? 80 : Number(url.port);
    return { kind: 'http', host, port, path: `${url.pathname}${url.search}` };
  }
  context.addIssue('must be an address such as http://10.0.0.5:8080/health');
  return z.NEVER;
});

const one = { error: 'must have exactly one of tcp, http' };
const address = z
  .union([z.strictObject({ tcp }), z.strictObject({ http })], one)
  .transform((given): GuestCheck => ('tcp' in given ? given.tcp : given.http));
const check = z.union(
  [z.literal('agent').transform((): GuestCheck => ({ kind: 'agent' })), address],
  { error: 'must be agent, { tcp: host:port } or { http: address }' },
);

const gate = z.union(
  [
    z.literal('running').transform((): VmDependency['gate'] => ({ kind: 'running' })),
    z
      .strictObject({ delay: duration })
      .transform((given): VmDependency['gate'] => ({ kind: 'delay', ms: given.delay })),
    check,
  ],
  {
    error: 'must be running, agent, { delay: 30s }, { tcp: host:port } or { http: address }',
  },
);

/** As patient as an operating system that checks its disks. */
const defaultTimeoutMs = 10 * 60_000;

const dependency = z.union(
  [
    nameSchema.transform((vm) => ({
      vm,
      ready: { kind: 'running' } as const,
      timeout: defaultTimeoutMs,
      then: 'continue' as const,
    })),
    z.strictObject({
      vm: nameSchema,
      ready: gate.default({ kind: 'running' }),
      timeout: duration.default(defaultTimeoutMs),
      /** What is done when the time is over. */
      then: z.enum(['continue', 'hold']).default('continue'),
    }),
  ],
  { error: 'must be the name of a VM, or { vm, ready, timeout, then }' },
);

const health = z.strictObject({
  check,
  interval: duration.default(10_000),
  timeout: duration.default(5000),
  failures: z.int().min(1).max(100).default(6),
  grace: duration.default(2 * 60_000),
});

/** Fields of a VM file about its start and its guest; each is optional. */
export const yamlGuestFields = {
  after: z.array(dependency).max(64).optional(),
  guest: z
    .strictObject({
      onShutdown: z.enum(['restart', 'stayOff']).default(defaultGuestPolicy.onShutdown),
      onCrash: z
        .enum(['restart', 'dump', 'preserve', 'stayOff'])
        .default(defaultGuestPolicy.onCrash),
      health: health.optional(),
    })
    .optional(),
};

type Fields = z.infer<z.ZodObject<typeof yamlGuestFields>>;

/** What of these a file asks for; nothing for a VM that waits for nobody and has no policy. */
export function guestOf({ after, guest }: Fields): {
  readonly after?: readonly VmDependency[];
  readonly guest?: GuestPolicy;
} {
  return {
    ...(after === undefined || after.length === 0 ? {} : { after: after.map(dependencyOf) }),
    ...(guest === undefined ? {} : { guest: { ...guest, health: healthOf(guest.health) } }),
  };
}

function dependencyOf(given: NonNullable<Fields['after']>[number]): VmDependency {
  const { vm, ready, timeout, then } = given;
  return { vm, gate: ready, timeoutMs: timeout, onTimeout: then };
}

function healthOf(given: z.infer<typeof health> | undefined): HealthCheck | null {
  if (given === undefined) return null;
  return {
    check: given.check,
    intervalMs: given.interval,
    timeoutMs: given.timeout,
    failures: given.failures,
    graceMs: given.grace,
  };
}

/** Where a check goes, as it is written in a file. */
export function checkTarget(given: GuestCheck): string {
  if (given.kind === 'agent') return 'agent';
  const host = formatHostPort(given.host, given.port);
  return given.kind === 'tcp' ? `tcp ${host}` : `http://${host}${given.path}`;
}
