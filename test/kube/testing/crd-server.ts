import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The half of a Kubernetes API server that serves CRDs: the same code for schemas, CEL, apply, watches and
 * status, without core types and RBAC. From $KENNEL_KUBE_BIN, else where `toolchain/build.sh` puts it;
 * null = it was not built.
 */
export function findCrdServer(): string | null {
  const path = join(process.env['KENNEL_KUBE_BIN'] ?? cached(), 'crd-server');
  return existsSync(path) ? path : null;
}

function cached(): string {
  const mod = readFileSync(new URL('../toolchain/go.mod', import.meta.url), 'utf8');
  const version = /^\s*(?:require )?k8s\.io\/kubernetes (v\S+)$/m.exec(mod)?.[1] ?? '';
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return join(cache, 'kennel', 'kube', version);
}
