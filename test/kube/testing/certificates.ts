import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files of a throw-away authority in a directory, and a kubeconfig of somebody who may do everything. */
export function makeCertificates(directory: string, port: number): string {
  const at = (name: string): string => join(directory, name);
  const openssl = (...argv: readonly string[]): void => {
    execFileSync('openssl', argv, { stdio: ['ignore', 'ignore', 'pipe'], cwd: directory });
  };
  const key = (name: string): void =>
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', name);
  const sign = (name: string, subject: string, extensions: string): void => {
    key(`${name}.key`);
    openssl('req', '-new', '-key', `${name}.key`, '-subj', subject, '-out', `${name}.csr`);
    writeFileSync(at(`${name}.ext`), extensions);
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.crt',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.crt`,
    );
  };
  key('ca.key');
  openssl(
    'req',
    '-x509',
    '-new',
    '-key',
    'ca.key',
    '-subj',
    '/CN=kennel-test',
    '-days',
    '2',
    '-out',
    'ca.crt',
  );
  sign('server', '/CN=127.0.0.1', 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n');
  sign('admin', '/O=system:masters/CN=admin', 'extendedKeyUsage=clientAuth\n');
  const config = at('kubeconfig');
  writeFileSync(
    config,
    `apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "https://127.0.0.1:${port}", certificate-authority: ${at('ca.crt')}}}]
users: [{name: admin, user: {client-certificate: ${at('admin.crt')}, client-key: ${at('admin.key')}}}]
contexts: [{name: test, context: {cluster: test, user: admin}}]
current-context: test
`,
    { mode: 0o600 },
  );
  return config;
}
