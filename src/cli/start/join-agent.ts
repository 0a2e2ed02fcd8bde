import { createCertificateRequest } from '../../pki/leaf.ts';
import { joinCluster } from '../../client/join.ts';
import { ok, type Outcome } from '../../core/problem.ts';
import { realEnv } from '../../env/real/real-env.ts';
import { realLog } from '../../env/real/log.ts';
import { saveCredentials } from '../../pki/credential-files.ts';
import type { JoinAgentOptions, JoinAgentResult } from '../start-functions.ts';
import { kernelBootIdFile, readText, saveAgentConfig } from './service-config.ts';

const defaults = {
  libvirtSocket: '/run/libvirt/libvirt-sock',
  bootIdFile: kernelBootIdFile,
  machineIdFile: '/etc/machine-id',
} as const;

/** Enrols this machine: a key pair made here, a certificate for it from the cluster. */
export async function joinAgent(options: JoinAgentOptions): Promise<Outcome<JoinAgentResult>> {
  const env = realEnv({ log: realLog({ level: 'warn' }) });
  const { directory, node } = options;
  const machineIdFile = options.machineIdFile ?? defaults.machineIdFile;
  const machineId = await readText(env.disk, machineIdFile, 'systemd-machine-id-setup');
  if (machineId.kind === 'problem') return machineId;
  await env.disk.makeDirectory(directory, { mode: 0o700 });
  const request = await createCertificateRequest(node);
  const joined = await joinCluster({
    manager: options.manager,
    token: options.token,
    node,
    machineId: machineId.value.trim(),
    address: options.address,
    certificateRequest: request.requestPem,
  });
  if (joined.kind === 'problem') return joined;
  const { clusterId, certificate, certificateAuthority, managers } = joined.value;
  await saveCredentials(env.disk, `${directory}/agent.pem`, {
    clusterId,
    role: 'agent',
    name: node,
    certificatePem: certificate,
    keyPem: request.keyPem,
    caPem: certificateAuthority,
  });
  await saveAgentConfig(env.disk, directory, {
    clusterId,
    node,
    managers: [...managers],
    hypervisor: {
      kind: 'libvirt',
      socket: options.libvirtSocket ?? defaults.libvirtSocket,
      migrateOver: options.migrateOver,
    },
    ...(options.watchdogSocket === null ? {} : { watchdogSocket: options.watchdogSocket }),
    bootIdFile: options.bootIdFile ?? defaults.bootIdFile,
    machineIdFile,
  });
  return ok({ clusterId, managers });
}
