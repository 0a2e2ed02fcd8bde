import { createPrivateKey, X509Certificate } from 'node:crypto';
import { ok, problem } from '../core/problem.ts';
import type { Outcome, ProblemCode } from '../core/problem.ts';
import { certificateProblem, identityOfCertificate } from '../pki/certificate-identity.ts';
import type { Credentials } from '../pki/credentials.ts';
import { certificatesOfPem } from '../pki/pem.ts';
import type { ClientConfig } from './client-config.ts';
import type { CliEnv } from './world.ts';

/**
 * Reads the three PEM files of a client configuration. `E_DATA_DIRECTORY` when one cannot be
 * read, `E_CERTIFICATE` when they do not belong together or are not valid now.
 */
export async function loadClientCredentials(
  env: Pick<CliEnv, 'clock' | 'disk'>,
  config: Pick<ClientConfig, 'certificate' | 'key' | 'certificateAuthority'>,
): Promise<Outcome<Credentials>> {
  const texts: string[] = [];
  for (const path of [config.certificate, config.key, config.certificateAuthority]) {
    const text = await readText(env, path);
    if (text.kind === 'problem') return text;
    texts.push(text.value);
  }
  const [certificatePem = '', keyPem = '', caPem = ''] = texts;
  const [leaf] = certificatesOfPem(certificatePem);
  if (leaf === undefined) return damaged(config.certificate, 'there is no certificate in it');
  const check = identityOfCertificate(leaf, certificatesOfPem(caPem), {
    nowIso: env.clock.wallIso(),
  });
  if (check.kind === 'refused') return problem(certificateProblem(config.certificate, check));
  if (!isKeyOf(keyPem, leaf)) {
    return damaged(config.key, `it is not the key of ${config.certificate}`);
  }
  const { clusterId, role, name } = check.identity;
  return ok({ clusterId, role, name, certificatePem, keyPem, caPem });
}

async function readText(env: Pick<CliEnv, 'disk'>, path: string): Promise<Outcome<string>> {
  try {
    const bytes = await env.disk.read(path);
    if (bytes !== null) return ok(new TextDecoder().decode(bytes));
    return unusable('E_DATA_DIRECTORY', path, 'there is no such file');
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    return unusable('E_DATA_DIRECTORY', path, because);
  }
}

function isKeyOf(keyPem: string, certificateDer: Uint8Array): boolean {
  try {
    return new X509Certificate(certificateDer).checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}

function damaged(path: string, because: string): Outcome<never> {
  return unusable('E_CERTIFICATE', path, because);
}

function unusable(code: ProblemCode, path: string, because: string): Outcome<never> {
  return problem({
    code,
    what: `${path}, which the client configuration names, cannot be used`,
    because,
    so: 'nothing was asked of any cluster',
    try: [`ls -l ${path}`, 'copy the files that kennel init wrote again'],
  });
}
