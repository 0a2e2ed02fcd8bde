import type { Env } from '../../src/env/env.ts';
import type { ProcessRequest, ProcessResult, Processes } from '../../src/env/processes.ts';
import type { SimBmc, SimBmcAnswer, SimBmcRequest } from './bmc.ts';

export interface SimIpmitoolOptions {
  /** Of the machine that ipmitool runs on. */
  readonly env: Pick<Env, 'clock' | 'timers' | 'random'>;
  /** What that machine reaches at an address at this moment. */
  readonly reach: (host: string, port: number) => SimBmc | 'unreachable' | 'noSuchName';
}

/**
 * `Processes` that has one program, ipmitool 1.8.19, and that program only with the arguments that
 * the production driver gives it. Texts, exit codes, waiting and resending are as measured against
 * test BMCs, in virtual time; so the driver runs in the simulator as it is.
 */
export function simIpmitool(options: SimIpmitoolOptions): Processes {
  return { run: (request) => runIpmitool(options, request) };
}

interface Call {
  readonly verb: SimBmcRequest | 'guid';
  readonly suite: number;
  readonly privilege: string;
  readonly waitSeconds: number;
  readonly attempts: number;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** One answered exchange on a local network, without the BMC's own work. */
const exchangeMs = { min: 8, max: 20 };
const lookupMs = 50;
const noSession = 'Error: Unable to establish IPMI v2 / RMCP+ session\n';

function runIpmitool(options: SimIpmitoolOptions, request: ProcessRequest): Promise<ProcessResult> {
  if (request.file !== 'ipmitool') {
    return Promise.resolve({ kind: 'notStarted', because: `spawn ${request.file} ENOENT` });
  }
  if (request.signal?.aborted === true) {
    return Promise.resolve({ kind: 'notStarted', because: 'aborted' });
  }
  const call = parseArguments(request);
  if (call === null) {
    return Promise.resolve(exited(1, '', 'Invalid arguments for the simulated ipmitool\n'));
  }
  return new Promise((resolve) => {
    const client = new Client(options, call);
    const end = (result: ProcessResult): void => {
      client.ended = true;
      deadline.cancel();
      request.signal?.removeEventListener('abort', onAbort);
      resolve(result);
    };
    const onAbort = (): void => end(killed('aborted'));
    const deadline = options.env.timers.after(request.timeoutMs, () => end(killed('timeout')));
    request.signal?.addEventListener('abort', onAbort, { once: true });
    void client.run().then(end);
  });
}

function parseArguments(request: ProcessRequest): Call | null {
  const [verbose, ...rest] = request.arguments;
  const words = rest.splice(-3).join(' ');
  const named = new Map<string, string>();
  for (let index = 0; index < rest.length; index += 2) {
    named.set(rest[index] ?? '', rest[index + 1] ?? '');
  }
  const verb = verbs.get(words);
  const known = [...named.keys()].join(' ') === '-I -C -L -N -R -H -p -U -f';
  const fixed = named.get('-I') === 'lanplus' && named.get('-f') === '/dev/stdin';
  if (verbose !== '-v' || verb === undefined || !known || !fixed) return null;
  return {
    verb,
    suite: Number(named.get('-C')),
    privilege: named.get('-L') ?? '',
    waitSeconds: Number(named.get('-N')),
    attempts: Number(named.get('-R')),
    host: named.get('-H') ?? '',
    port: Number(named.get('-p')),
    user: named.get('-U') ?? '',
    password: request.input.split('\n')[0] ?? '',
  };
}

const verbs: ReadonlyMap<string, Call['verb']> = new Map([
  ['chassis power status', 'status'],
  ['chassis power off', 'off'],
  ['chassis power on', 'on'],
  ['mc guid dump', 'guid'],
]);

class Client {
  /** Killed, or done: nothing more is sent. */
  ended = false;
  readonly #options: SimIpmitoolOptions;
  readonly #call: Call;

  constructor(options: SimIpmitoolOptions, call: Call) {
    this.#options = options;
    this.#call = call;
  }

  async run(): Promise<ProcessResult> {
    const { suite, user, password, verb } = this.#call;
    const bmc = await this.#findBmc();
    if (bmc === 'noSuchName') {
      return failed(
        `Address lookup for ${this.#call.host} failed\nCould not open socket!\n${noSession}`,
      );
    }
    if (bmc === 'unreachable') {
      return failed(
        `Get Auth Capabilities error\nError issuing Get Channel Authentication Capabilities request\n${noSession}`,
      );
    }
    await this.#exchange();
    const login = bmc.login(suite, user, password);
    if (login !== 'open') return failed(`${loginTexts[login]}\n${noSession}`);
    await this.#exchange();
    if (verb !== 'guid') return this.#power(verb);
    const guid = bmc.guid.replaceAll('-', '').toUpperCase();
    return exited(0, `System GUID   : ${guid}\n`, chatter(this.#call));
  }

  #reach(): SimBmc | 'unreachable' | 'noSuchName' {
    const bmc = this.#options.reach(this.#call.host, this.#call.port);
    return typeof bmc !== 'string' && bmc.silent ? 'unreachable' : bmc;
  }

  /** Session set-up asks in two phases; either may be answered late. */
  async #findBmc(): Promise<SimBmc | 'unreachable' | 'noSuchName'> {
    const { attempts, waitSeconds } = this.#call;
    let bmc = this.#reach();
    for (let turn = 0; bmc === 'unreachable' && turn < 2 * attempts; turn += 1) {
      await this.#wait((waitSeconds + (turn % attempts)) * 1000);
      bmc = this.#reach();
    }
    if (bmc === 'noSuchName') await this.#wait(lookupMs);
    return bmc;
  }

  async #power(verb: SimBmcRequest): Promise<ProcessResult> {
    const answer = await this.#ask(verb);
    const name = verb === 'on' ? 'Up/On' : 'Down/Off';
    if (answer === null) {
      const lost =
        verb === 'status'
          ? 'Unable to get Chassis Power Status'
          : `Unable to set Chassis Power Control to ${name}`;
      return failed(`${chatter(this.#call)}${lost}\nIPMI Request Match NOT FOUND\n`);
    }
    await this.#exchange();
    if (answer.kind === 'power') {
      return exited(0, `Chassis Power is ${answer.power}\n`, chatter(this.#call));
    }
    if (answer.kind === 'accepted') {
      return exited(0, `Chassis Power Control: ${name}\n`, chatter(this.#call));
    }
    const what =
      verb === 'status' ? 'Get Chassis Power Status' : `Set Chassis Power Control to ${name}`;
    return failed(`${chatter(this.#call)}${what} failed: ${answer.because}\n`);
  }

  /** Sends the request, and sends it again each time its wait is over: a BMC executes them all. */
  #ask(verb: SimBmcRequest): Promise<SimBmcAnswer | null> {
    return new Promise((resolve) => {
      let answered = false;
      const take = (answer: SimBmcAnswer): void => {
        // An answer that comes after the client gave up, or over a cut network, is lost.
        if (answered || typeof this.#reach() === 'string') return;
        answered = true;
        resolve(answer);
      };
      const send = async (): Promise<void> => {
        for (let turn = 0; turn < this.#call.attempts; turn += 1) {
          const bmc = this.#reach();
          if (typeof bmc !== 'string') bmc.request(verb, take);
          await this.#wait((this.#call.waitSeconds + turn) * 1000);
          if (answered || this.ended) return;
        }
        answered = true;
        resolve(null);
      };
      void send();
    });
  }

  #exchange(): Promise<void> {
    const { min, max } = exchangeMs;
    return this.#wait(min + this.#options.env.random.fraction() * (max - min));
  }

  /** Never ends once the process has: a killed client does nothing more. */
  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.env.timers.after(delayMs, () => {
        if (!this.ended) resolve();
      });
    });
  }
}

const loginTexts = {
  suite: 'Error in open session response message : invalid authentication algorithm\n',
  user: 'RAKP 2 message indicates an error : unauthorized name',
  password: '> RAKP 2 HMAC is invalid',
  session: 'Error in open session response message : insufficient resources for session\n',
} as const;

/** What `-v` prints in every session. */
function chatter(call: Call): string {
  const more = 'Running Get VSO Capabilities my_addr 0x20, transit 0, target 0x20\n';
  const unprivileged =
    call.privilege === 'OPERATOR'
      ? 'Get HPM.x Capabilities request failed, compcode = d4\n'
      : 'Invalid completion code received: Invalid command\n';
  return `Loading IANA PEN Registry...\n${unprivileged}${more}Discovered IPMB address 0x0\n`;
}

function exited(code: number, stdout: string, stderr: string): ProcessResult {
  return { kind: 'exited', code, stdout, stderr };
}

function failed(stderr: string): ProcessResult {
  return exited(1, '', stderr);
}

function killed(because: 'timeout' | 'aborted'): ProcessResult {
  return { kind: 'killed', because, stdout: '', stderr: '' };
}
