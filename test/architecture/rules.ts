/** One rule of DESIGN §6: who may import what, and why. */
export interface Rule {
  /** Folders the rule speaks of. */
  readonly of: string;
  /** Folders it may import from, itself apart. */
  readonly mayImport: readonly string[];
  /** Packages it may import: a name, or `*` for any. */
  readonly packages: readonly string[];
  readonly because: string;
}

/** Longest matching folder decides. Tests are held to none of it. */
export const rules: readonly Rule[] = [
  {
    of: 'src/core',
    mayImport: [],
    packages: [],
    because: 'decisions are pure, so that the code that is simulated is the code that ships',
  },
  {
    of: 'src/raft',
    mayImport: [],
    packages: [],
    because: 'consensus is pure, so that every interleaving can be tried',
  },
  {
    of: 'src/errors',
    mayImport: ['src/core'],
    packages: [],
    because: 'errors are the same words on every layer',
  },
  {
    of: 'src/env',
    mayImport: ['src/core', 'src/errors', 'src/pki'],
    packages: ['*'],
    because: 'it is the one door to the world and knows nothing of what goes through it',
  },
  {
    of: 'src/pki',
    mayImport: ['src/core', 'src/errors', 'src/env'],
    packages: ['*'],
    because: 'identities are needed below everything that is said on the wire',
  },
  {
    of: 'src/store',
    mayImport: ['src/core', 'src/raft', 'src/env', 'src/errors'],
    // Pure: checksums of logs and backups, and the form of a backup's first line.
    packages: ['node:zlib', 'node:crypto', 'zod'],
    because: 'the store carries text and knows no nodes and VMs',
  },
  {
    of: 'src/store/etcd',
    mayImport: ['src/store', 'src/core', 'src/env', 'src/errors'],
    packages: ['@grpc/grpc-js', '@bufbuild/protobuf/wire'],
    because: 'gRPC brings sockets of its own, for the one driver that talks to a server outside',
  },
  {
    of: 'src/api/schema',
    mayImport: ['src/core'],
    packages: ['zod'],
    because: 'schemas are shared by everybody on the wire and must cost nobody anything else',
  },
  {
    of: 'src/api',
    mayImport: ['src/core', 'src/env', 'src/errors', 'src/pki'],
    packages: ['*'],
    because: 'the API serves an interface; what stands behind it is not its business',
  },
  {
    of: 'src/client',
    mayImport: ['src/core', 'src/api/schema', 'src/errors', 'src/env', 'src/pki'],
    packages: ['*'],
    because: 'a client knows the wire and nothing of managers',
  },
  {
    of: 'src/manager',
    mayImport: ['src/core', 'src/env', 'src/errors', 'src/store', 'src/api', 'src/pki', 'fencing'],
    packages: ['node:crypto', 'prom-client'],
    because: 'managers and agents meet only on the wire',
  },
  {
    of: 'src/operator',
    mayImport: ['src/core', 'src/env', 'src/errors', 'src/api/schema', 'src/client'],
    packages: [
      'zod',
      'yaml',
      'node:crypto',
      'node:fs',
      'node:http',
      'node:https',
      'node:path',
      'node:url',
      'node:util',
      '@kubernetes/client-node',
    ],
    because: 'it is a client of managers that shows Kubernetes what it sees, and decides nothing',
  },
  {
    of: 'src/verify',
    mayImport: [],
    packages: ['node:crypto', 'zod'],
    because: 'what verifies the records must not repeat the mistakes of what wrote them',
  },
  {
    of: 'src/kubevirt',
    mayImport: ['src/core'],
    packages: [],
    because: 'a conversion is pure: manifests in, VM files and losses out, and no cluster is asked',
  },
  {
    of: 'src/cli/start',
    mayImport: ['src', 'agent', 'fencing'],
    packages: ['*'],
    because: 'here the parts are put together into processes',
  },
  {
    of: 'src/cli',
    mayImport: [
      'src/client',
      'src/api/schema',
      'src/core',
      'src/env',
      'src/errors',
      'src/pki',
      'src/verify',
      'src/kubevirt',
      'deploy/lab',
    ],
    packages: ['*'],
    because: 'the command line is a client like any other',
  },
  {
    of: 'fencing',
    mayImport: ['src/core', 'src/env', 'src/errors'],
    packages: ['zod', '@xmldom/xmldom'],
    because: 'drivers decide nothing, and run on managers and on proxies alike',
  },
  {
    of: 'agent',
    mayImport: ['src/core', 'src/env', 'src/errors', 'src/api/schema'],
    packages: [
      'zod',
      '@xmldom/xmldom',
      'node:net',
      'node:child_process',
      'node:fs',
      'node:os',
      'node:zlib',
      'node:fs/promises',
      'node:path',
      'node:util',
    ],
    because: 'managers and agents meet only on the wire',
  },
  {
    of: 'chaos',
    mayImport: ['src', 'agent', 'fencing', 'deploy/lab'],
    packages: ['*'],
    because: 'the simulator runs the production code; nothing of it is imported back',
  },
  {
    of: 'deploy',
    mayImport: ['src', 'agent', 'fencing', 'chaos'],
    packages: ['*'],
    because: 'the lab is a user of the product',
  },
];

/** Who may never be imported from where. */
export const neverImported: readonly { readonly folder: string; readonly because: string }[] = [
  { folder: 'test', because: 'nothing that ships may rest on a test' },
];
