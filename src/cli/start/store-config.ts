import { z } from 'zod';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import type { StoreChoice } from '../start-functions.ts';

const path = z.string().startsWith('/', 'must be an absolute path');

const endpoint = z.url({ protocol: /^https?$/ }).refine((text) => {
  const { pathname, search, username } = new URL(text);
  return pathname === '/' && search === '' && username === '';
}, 'must be http://HOST:PORT or https://HOST:PORT');

/** Where a manager keeps the cluster's state: the `store` of `manager.yaml`. */
export const storeConfigSchema = z.discriminatedUnion('kind', [
  /**
   * In the managers' own directories, replicated among them by consensus. `directory`: its name
   * there, default `store`.
   */
  z.strictObject({ kind: z.literal('raft'), directory: z.string().min(1).optional() }),
  z
    .strictObject({
      kind: z.literal('etcd'),
      endpoints: z.array(endpoint).min(1),
      ca: path.optional(),
      certificate: path.optional(),
      key: path.optional(),
      serverName: z.string().min(1).optional(),
      user: z.string().min(1).optional(),
      passwordFile: path.optional(),
    })
    .refine(
      ({ endpoints }) => new Set(endpoints.map((one) => new URL(one).protocol)).size === 1,
      'endpoints must be all http or all https',
    )
    .refine(
      ({ endpoints, ca, certificate, key, serverName }) =>
        (endpoints[0]?.startsWith('https:') ?? false) ||
        [ca, certificate, key, serverName].every((given) => given === undefined),
      'certificates and server names go with https endpoints',
    )
    .refine(
      ({ certificate, key }) => (certificate === undefined) === (key === undefined),
      'a certificate and its key go together',
    )
    .refine(
      ({ user, passwordFile }) => (user === undefined) === (passwordFile === undefined),
      'a user and its password file go together',
    ),
]);

export type StoreConfig = z.infer<typeof storeConfigSchema>;
export type EtcdConfig = Extract<StoreConfig, { kind: 'etcd' }>;

/** What `kennel init` was told, as it goes into `manager.yaml`. E_USAGE when it does not fit together. */
export function storeConfigOf(options: StoreChoice): Outcome<StoreConfig> {
  const parsed = storeConfigSchema.safeParse(options);
  if (parsed.success) return ok(parsed.data);
  return problem({
    code: 'E_USAGE',
    what: 'the options for etcd do not fit together',
    because: parsed.error.issues.map((issue) => issue.message).join('; '),
    so: 'nothing was made',
    try: ['kennel init --help'],
  });
}
