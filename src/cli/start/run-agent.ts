import { startAgent, type Agent } from '../../../agent/agent.ts';
import type { HostPower } from '../../../agent/host-power.ts';
import { petterLink } from '../../../agent/watchdog/petter-link.ts';
import type { Hypervisor } from '../../../agent/hypervisor.ts';
import { ok, problem, type Outcome } from '../../core/problem.ts';
import { KennelError } from '../../errors/kennel-error.ts';
import { bootId, clusterId, nodeId } from '../../core/model/ids.ts';
import { DiskError } from '../../env/disk.ts';
import type { Env } from '../../env/env.ts';
import { realEnv } from '../../env/real/real-env.ts';
import { realLog } from '../../env/real/log.ts';
import { loadCredentials } from '../../pki/credential-files.ts';
import { parseHostPort } from '../../api/schema/host-port.ts';
import type { RunAgentOptions } from '../start-functions.ts';
import { packageVersion } from '../version.ts';
import { kernelBootIdFile, loadAgentConfig, readText, type AgentConfig } from './service-config.ts';
import { untilStopped } from './until-stopped.ts';

/** Where agents ask each other whether they live. */
const defaultProbePort = 7402;

/** Runs an agent in the foreground until it is told to stop. Its VMs run on when it ends. */
export async function runAgent({ directory }: RunAgentOptions): Promise<Outcome<null>> {
  const log = realLog({ level: 'info' });
  const local = realEnv({ log });
  const config = await loadAgentConfig(local.disk, directory);
  if (config.kind === 'problem') return config;
  const credentials = await loadCredentials(
    local.disk,
    `${directory}/agent.pem`,
    local.clock.wallIso(),
  );
  if (credentials.kind === 'problem') return credentials;
  const boot = await readText(local.disk, config.value.bootIdFile, 'the kernel');
  if (boot.kind === 'problem') return boot;
  const machineId = await readText(
    local.disk,
    config.value.machineIdFile,
    'systemd-machine-id-setup',
  );
  if (machineId.kind === 'problem') return machineId;
  const env = realEnv({ log, credentials: () => credentials.value });
  const hypervisor = await openHypervisor(env, config.value, directory);
  const { watchdogSocket } = config.value;
  const agent = await startAgentOrProblem({
    env,
    hypervisor,
    power: await powerOf(env, config.value),
    ...(watchdogSocket === undefined
      ? {}
      : {
          petter: { link: petterLink(env.timers, watchdogSocket), agentPid: process.pid },
        }),
    config: {
      clusterId: clusterId(config.value.clusterId),
      node: nodeId(config.value.node),
      machineId: machineId.value.trim(),
      dataDirectory: directory,
      managers: config.value.managers.flatMap((address) => {
        const parsed = parseHostPort(address);
        return parsed.kind === 'invalid' ? [] : [{ host: parsed.host, port: parsed.port }];
      }),
      bootId: bootId(boot.value.trim()),
      isolation: watchdogSocket === undefined ? 'holding' : 'selfFencing',
      version: packageVersion(),
      probes: ['::', '0.0.0.0'].map((host) => ({
        host,
        port: config.value.probePort ?? defaultProbePort,
      })),
      restartHypervisor: await restartOf(local, config.value),
    },
  });
  if (agent.kind === 'problem') return agent;
  await untilStopped(new Promise<never>(() => undefined), async () => {
    await agent.value.stop();
    await hypervisor.close();
  });
  return ok(null);
}

/** A start that is refused is an answer here, not an exception. */
async function startAgentOrProblem(
  options: Parameters<typeof startAgent>[0],
): Promise<Outcome<Agent>> {
  try {
    return ok(await startAgent(options));
  } catch (error) {
    if (error instanceof KennelError) return problem(error.problem);
    throw error;
  }
}

/** This machine's own shutdown; a node of a lab, which has a boot id of its own, is no machine. */
async function powerOf(env: Env, { bootIdFile }: AgentConfig): Promise<HostPower | undefined> {
  if (bootIdFile !== kernelBootIdFile || !(await hasSystemd(env))) return undefined;
  const { SystemdPower } = await import('../../../agent/systemd-power.ts');
  return new SystemdPower(env, process.pid);
}

async function hasSystemd({ disk }: Env): Promise<boolean> {
  try {
    await disk.list('/run/systemd/system');
    return true;
  } catch (error) {
    if (error instanceof DiskError) return false;
    throw error;
  }
}

/** The configured command; else systemd's, where systemd manages this machine. */
async function restartOf(env: Env, { hypervisor }: AgentConfig) {
  if (hypervisor.kind !== 'libvirt') return null;
  if (hypervisor.restart !== undefined) return hypervisor.restart;
  if (!(await hasSystemd(env))) return null;
  const unit = hypervisor.socket.includes('virtqemud') ? 'virtqemud' : 'libvirtd';
  return ['systemctl', 'restart', `${unit}.service`];
}

async function openHypervisor(
  env: Env,
  config: AgentConfig,
  directory: string,
): Promise<Hypervisor> {
  if (config.hypervisor.kind === 'process') {
    const { ProcessHypervisor } = await import('../../../agent/process-hypervisor.ts');
    return new ProcessHypervisor({
      env,
      directory: `${directory}/processes`,
      eventsFile: config.hypervisor.eventsFile,
      node: nodeId(config.node),
    });
  }
  const { LibvirtHypervisor } = await import('../../../agent/libvirt/libvirt-hypervisor.ts');
  const { dialUnix } = await import('../../../agent/libvirt/unix-transport.ts');
  const { socket, migrateOver } = config.hypervisor;
  return new LibvirtHypervisor({ env, dial: dialUnix(socket), migrateOver });
}
