import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FenceErrorCode } from '../../fencing/driver.ts';
import { fenceAgentDriver } from '../../fencing/drivers/fence-agent/driver.ts';
import { ipmiDriver } from '../../fencing/drivers/ipmi/driver.ts';
import { redfishDriver } from '../../fencing/drivers/redfish/driver.ts';
import { type AgentMode, AgentRig } from '../../fencing/testing/agent-rig.ts';
import {
  type BmcRig,
  programExists,
  type RigMode,
  uniquePassword,
} from '../../fencing/testing/bmc-rig.ts';
import { ipmiSimMissing, startIpmiSim } from '../../fencing/testing/ipmi-sim-rig.ts';
import { readByFreeipmi } from '../../fencing/testing/ipmipower.ts';
import { machineMissing, startMachine } from '../../fencing/testing/machine-rig.ts';
import { pyghmiMissing, startPyghmi } from '../../fencing/testing/pyghmi-rig.ts';
import { RedfishEmulator, type RedfishMode } from '../../fencing/testing/redfish-emulator.ts';
import { exhaustSessions } from '../../fencing/testing/rmcp-packets.ts';
import { waitUntil } from '../../fencing/testing/wait-until.ts';
import type { Device, Fault, Stand } from './device.ts';

const guid = 'kennel-contract';
const wrongSecrets = () => ({ password: uniquePassword() });

const bmcModes: Partial<Record<Fault, RigMode>> = {
  slow: 'slow 3',
  stuck: 'stuck',
  'lying on': 'blind',
  'lying off': 'lie',
  busy: 'busy',
};

/** An IPMI BMC, through a driver of whatever kind. */
function ofBmc(rig: BmcRig, use: Pick<Stand, 'driver' | 'settings'>): Stand {
  return {
    ...use,
    secrets: { password: rig.user.password },
    wrongSecrets: wrongSecrets(),
    envOf: (env) => env,
    async inflict(fault) {
      rig.mode = bmcModes[fault] ?? 'ok';
      if (fault === 'already off') rig.power = 'off';
      if (fault === 'unreachable') rig.kill();
      if (fault === 'session exhaustion' && !(await exhaustSessions(rig.files, 25_000))) {
        throw new Error('it has sessions left');
      }
      if (fault !== 'dies mid-operation') return {};
      // Less than a client waits, and long enough to be caught in.
      rig.mode = 'slow 4';
      return {
        during: async () => {
          await waitUntil(() => rig.commands().length > 0, 60_000, 'the command to arrive');
          rig.kill();
        },
      };
    },
    crossRead: () => readByFreeipmi(rig),
    power: () => rig.power,
    // A BMC that is busy refuses what arrives.
    offs: () => (rig.mode === 'busy' ? 0 : rig.commands().filter((word) => word === 'off').length),
    stop: () => rig.stop(),
  };
}

const redfishModes: Partial<Record<Fault, RedfishMode>> = {
  slow: 'slow 3',
  stuck: 'stuck',
  'lying on': 'lying on',
  'lying off': 'lying off',
  busy: 'busy',
  'dies mid-operation': 'dies',
  'session exhaustion': 'no session',
};

function ofRedfish(emulator: RedfishEmulator, use: Pick<Stand, 'driver' | 'settings'>): Stand {
  return {
    ...use,
    secrets: { password: emulator.user.password },
    wrongSecrets: wrongSecrets(),
    envOf: (env) => env,
    async inflict(fault) {
      emulator.mode = redfishModes[fault] ?? 'ok';
      if (fault === 'already off') emulator.power = 'off';
      if (fault === 'unreachable') await emulator.stop();
      return {};
    },
    power: () => emulator.power,
    offs: () => emulator.commands().filter((command) => command === 'off').length,
    stop: () => emulator.stop().catch(() => {}),
  };
}

const agentModes: Partial<Record<Fault, AgentMode>> = {
  unreachable: 'unreachable',
  slow: 'slow 2',
  stuck: 'no effect',
  'lying on': 'lying on',
  'lying off': 'lying off',
  busy: 'busy',
  'dies mid-operation': 'dies',
  'session exhaustion': 'no session',
};

function ofAgent(rig: AgentRig): Stand {
  return {
    driver: fenceAgentDriver,
    settings: { agent: rig.name, host: '10.0.0.1', user: 'kennel' },
    secrets: { password: rig.password },
    wrongSecrets: wrongSecrets(),
    envOf: (env) => rig.envOf(env),
    inflict(fault) {
      rig.mode = agentModes[fault] ?? 'ok';
      if (fault === 'already off') rig.power = 'off';
      return Promise.resolve({});
    },
    power: () => rig.power,
    offs: () => rig.commands().filter((command) => command === 'off').length,
    stop: () => Promise.resolve(rig.stop()),
  };
}

/** `fence_dummy` keeps its power in a file and knows neither network nor password. */
function ofDummy(): Stand {
  const directory = mkdtempSync(join(tmpdir(), 'kennel-dummy-'));
  const file = join(directory, 'status');
  writeFileSync(file, 'on');
  let settings: Record<string, string | number> = { agent: 'fence_dummy', status_file: file };
  const power = (): 'on' | 'off' => (readFileSync(file, 'utf8') === 'off' ? 'off' : 'on');
  let before = power();
  return {
    driver: fenceAgentDriver,
    get settings() {
      return settings;
    },
    secrets: {},
    wrongSecrets: {},
    envOf: (env) => env,
    inflict(fault) {
      if (fault === 'already off') writeFileSync(file, 'off');
      if (fault === 'slow') settings = { ...settings, random_sleep_range: 2 };
      before = power();
      return Promise.resolve({});
    },
    power,
    offs: () => (before === 'on' && power() === 'off' ? 1 : 0),
    stop: () => Promise.resolve(rmSync(directory, { recursive: true, force: true })),
  };
}

/** Agents end with 1 whatever went wrong, and say in few words what, or in none. */
const anyRefusal: readonly FenceErrorCode[] = [
  'BMC_ERROR',
  'UNKNOWN',
  'UNREACHABLE',
  'TIMEOUT',
  'NOT_VERIFIED',
];
const coarseAgent: Device['coarse'] = {
  'wrong password': anyRefusal,
  unreachable: anyRefusal,
  busy: anyRefusal,
  'dies mid-operation': anyRefusal,
  'session exhaustion': anyRefusal,
};
const noNetwork = 'it is a file on the manager’s own disk: there is nobody to be asked';

function absent(agent: string): string | null {
  return programExists(agent) ? null : `not installed: ${agent}`;
}

export const devices: readonly Device[] = [
  {
    name: 'ipmi_sim',
    missing: ipmiSimMissing,
    without: { busy: 'ipmi_sim answers with completion code 0xFF only' },
    coarse: {},
    start: async () => {
      const rig = await startIpmiSim(guid);
      return ofBmc(rig, { driver: ipmiDriver, settings: rig.settings });
    },
  },
  {
    name: 'pyghmi',
    missing: pyghmiMissing,
    without: { 'session exhaustion': 'pyghmi has no limit of sessions' },
    coarse: {},
    start: async () => {
      const rig = await startPyghmi('00112233445566778899aabbccddee00');
      return ofBmc(rig, { driver: ipmiDriver, settings: rig.settings });
    },
  },
  {
    name: 'BMC with QEMU guest',
    missing: machineMissing,
    without: { busy: 'ipmi_sim answers with completion code 0xFF only' },
    coarse: {},
    start: async () => {
      const machine = await startMachine(guid);
      const { bmc } = machine;
      const stand = ofBmc(bmc, { driver: ipmiDriver, settings: bmc.settings });
      return {
        ...stand,
        inflict: (fault) => {
          if (fault === 'already off') machine.pullPlug();
          return stand.inflict(fault);
        },
        power: () => machine.power(),
        stop: () => machine.stop(),
      };
    },
  },
  {
    name: 'Redfish emulator',
    missing: null,
    without: {},
    coarse: {},
    start: async () => {
      const emulator = await RedfishEmulator.start();
      return ofRedfish(emulator, { driver: redfishDriver, settings: emulator.settings });
    },
  },
  {
    name: 'fence_ipmilan',
    missing: ipmiSimMissing ?? absent('fence_ipmilan'),
    without: { busy: 'ipmi_sim answers with completion code 0xFF only' },
    coarse: coarseAgent,
    start: async () => {
      const rig = await startIpmiSim(guid);
      const { host, port, user } = rig.settings;
      const settings = { agent: 'fence_ipmilan', host, port, user, lanplus: true, cipher: 3 };
      return ofBmc(rig, { driver: fenceAgentDriver, settings });
    },
  },
  {
    name: 'fence_redfish',
    missing: absent('fence_redfish'),
    without: {},
    coarse: coarseAgent,
    start: async () => {
      const emulator = await RedfishEmulator.start();
      const settings = { agent: 'fence_redfish', ...emulator.settings, ssl_insecure: true };
      return ofRedfish(emulator, { driver: fenceAgentDriver, settings });
    },
  },
  {
    name: 'fence_dummy',
    missing: absent('fence_dummy'),
    without: {
      'wrong password': 'it takes no password',
      unreachable: noNetwork,
      stuck: 'its file always takes the power; see the agent of the tests',
      'lying on': 'it reads the file that it wrote',
      'lying off': 'it reads the file that it wrote',
      busy: noNetwork,
      'dies mid-operation': noNetwork,
      'session exhaustion': noNetwork,
    },
    coarse: {},
    start: () => Promise.resolve(ofDummy()),
  },
  {
    name: 'agent of the tests',
    missing: null,
    without: {},
    coarse: coarseAgent,
    start: () => Promise.resolve(ofAgent(new AgentRig())),
  },
];
