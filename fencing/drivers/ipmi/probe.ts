import type { FenceContext, FenceError, ProbeReport } from '../../driver.ts';
import { failedProbe, fenceError } from '../../fence-error.ts';
import { type IpmiCall, readingWaitSeconds } from './arguments.ts';
import { type IpmiAnswer, callIpmitool, preparedCall } from './ipmitool.ts';
import type { IpmiCipherSuite, IpmiSettings } from './settings.ts';

/** Strongest first. A suite that the BMC does not offer is refused within one round trip. */
const suites: readonly IpmiCipherSuite[] = [17, 3];
const longestWaitSeconds = 2;

type Warning = ProbeReport['warnings'][number];
type Found =
  | {
      readonly kind: 'found';
      readonly suite: IpmiCipherSuite;
      readonly power: 'on' | 'off';
      readonly latencyMs: number;
    }
  | { readonly kind: 'failed'; readonly error: FenceError };

/**
 * Checks address, credential and privilege, learns the cipher suite and the identity, and looks
 * for two weaknesses: suite 0, which lets anybody in, and an account that may do more than it
 * needs. Sends no power command. The calls share `context.timeoutMs`.
 */
export async function probeIpmi(context: FenceContext): Promise<ProbeReport> {
  const ready = preparedCall(context, 'reading');
  if (ready.kind === 'failed') return failedProbe(ready.error);
  const prober = new Prober(context, ready.settings, ready.password);
  const found = await prober.findSuite();
  if (found.kind === 'failed') return failedProbe(found.error);
  const identity = await prober.identity(found.suite);
  if (identity.kind === 'failed') return failedProbe(identity.error);
  const warnings = [
    ...(identity.identity === null ? [noIdentity] : []),
    ...((await prober.opensWithoutPassword()) ? [cipherZeroOpen] : []),
    ...((await prober.mayAdminister(found.suite)) ? [tooPrivileged] : []),
  ];
  return {
    ok: true,
    error: null,
    identity: identity.identity,
    power: found.power,
    learned: { cipherSuite: found.suite },
    warnings,
    latencyMs: found.latencyMs,
  };
}

const noIdentity: Warning = {
  code: 'NO_IDENTITY',
  text: 'the BMC gives no GUID: an address that moved to another machine would not be noticed',
};
const cipherZeroOpen: Warning = {
  code: 'CIPHER_0_OPEN',
  text: 'the BMC accepts cipher suite 0, which lets anybody switch the node without a password; disable suite 0 in the BMC',
};
const tooPrivileged: Warning = {
  code: 'TOO_PRIVILEGED',
  text: 'the BMC account has ADMINISTRATOR privilege; OPERATOR is enough for fencing',
};

class Prober {
  readonly #context: FenceContext;
  readonly #settings: IpmiSettings;
  readonly #password: string;
  readonly #endMs: number;

  constructor(context: FenceContext, settings: IpmiSettings, password: string) {
    this.#context = context;
    this.#settings = settings;
    this.#password = password;
    this.#endMs = context.env.clock.monotonicMs() + context.timeoutMs;
  }

  async findSuite(): Promise<Found> {
    let error = fenceError('CIPHER', 'the BMC offers neither suite 17 nor suite 3', 'reading');
    for (const suite of suites) {
      const startedMs = this.#now();
      const answer = await this.#call({ verb: 'status', cipherSuite: suite });
      if (answer.kind === 'answer' && answer.outcome.kind === 'power') {
        const latencyMs = this.#now() - startedMs;
        return { kind: 'found', suite, power: answer.outcome.power, latencyMs };
      }
      error =
        answer.kind === 'failed' ? answer.error : fenceError('PROTOCOL', answer.detail, 'reading');
      // Old BMCs may answer a suite that they do not know with silence.
      if (error.code !== 'CIPHER' && error.code !== 'UNREACHABLE') break;
    }
    return { kind: 'failed', error };
  }

  async identity(
    suite: IpmiCipherSuite,
  ): Promise<
    | { readonly kind: 'identity'; readonly identity: string | null }
    | { readonly kind: 'failed'; readonly error: FenceError }
  > {
    const answer = await this.#call({ verb: 'guid', cipherSuite: suite });
    if (answer.kind === 'failed') return answer;
    const guid = answer.outcome.kind === 'guid' ? answer.outcome.guid : null;
    return { kind: 'identity', identity: formatGuid(guid) };
  }

  async opensWithoutPassword(): Promise<boolean> {
    const random = this.#context.env.random.uuid().replaceAll('-', '').slice(0, 16);
    return isPower(await this.#call({ verb: 'status', cipherSuite: 0 }, random));
  }

  async mayAdminister(suite: IpmiCipherSuite): Promise<boolean> {
    const call = { verb: 'status', cipherSuite: suite, privilege: 'ADMINISTRATOR' } as const;
    return isPower(await this.#call(call));
  }

  #now(): number {
    return this.#context.env.clock.monotonicMs();
  }

  #call(
    call: Pick<IpmiCall, 'verb' | 'cipherSuite'> & Partial<Pick<IpmiCall, 'privilege'>>,
    password = this.#password,
  ): Promise<IpmiAnswer> {
    const timeoutMs = this.#endMs - this.#now();
    if (timeoutMs <= 0) {
      const error = fenceError('TIMEOUT', 'the time for the probe is over', 'reading');
      return Promise.resolve({ kind: 'failed', error });
    }
    return callIpmitool({ ...this.#context, timeoutMs }, this.#settings, password, {
      privilege: 'OPERATOR',
      waitSeconds: Math.min(longestWaitSeconds, readingWaitSeconds(timeoutMs)),
      ...call,
    });
  }
}

function isPower(answer: IpmiAnswer): boolean {
  return answer.kind === 'answer' && answer.outcome.kind === 'power';
}

/** 8-4-4-4-12 in the order of the wire, as people write GUIDs. */
export function formatGuid(digits: string | null): string | null {
  if (digits === null) return null;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
