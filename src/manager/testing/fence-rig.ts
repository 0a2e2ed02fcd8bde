import { FakeDevice, fakeDriver } from '../../../fencing/testing/fake-device.ts';
import { fenceError } from '../../../fencing/fence-error.ts';
import type {
  FenceContext,
  FenceDriver,
  FenceErrorCode,
  ProbeReport,
} from '../../../fencing/driver.ts';

/** Fake fence devices behind one driver, `fake`, that needs a password and can be probed. */
export class FenceRig {
  readonly devices: FakeDevice[] = [];
  /** What the driver was given, call by call. */
  readonly contexts: FenceContext[] = [];
  /** What a probe fails with; null = it works. */
  probeError: FenceErrorCode | null = null;
  readonly #inner = fakeDriver(this.devices);
  readonly driver: FenceDriver = {
    kind: 'fake',
    capabilities: {
      class: 'power',
      minIntervalMs: 0,
      secrets: ['password'],
      takesFurtherSecrets: false,
    },
    help: { summary: 'a fake', settings: [] },
    place: (settings) => ({ address: `fake ${settings['device']}`, plug: null }),
    parseSettings: (input) =>
      isSettings(input)
        ? { kind: 'ok', settings: { device: input.device } }
        : { kind: 'invalid', problems: ['device: which one? valid: node-1/bmc'] },
    probe: (context) => this.#probe(context),
    identity: (context) => this.#inner.identity(this.#note(context)),
    status: (context) => this.#inner.status(this.#note(context)),
    off: (context) => this.#inner.off(this.#note(context)),
    on: (context) => this.#inner.on(this.#note(context)),
  };

  /** The device with the id and identity that `nodeRecord` enrols. */
  add(node: string, id = `${node}/bmc`): FakeDevice {
    const device = new FakeDevice(id);
    this.devices.push(device);
    return device;
  }

  #note(context: FenceContext): FenceContext {
    this.contexts.push(context);
    return context;
  }

  async #probe(context: FenceContext): Promise<ProbeReport> {
    const device = this.devices.find(({ id }) => id === context.settings['device']);
    const answer = await this.#inner.identity(this.#note(context));
    const code = this.probeError;
    const failed =
      code === null
        ? answer.kind === 'failed'
          ? answer.error
          : null
        : fenceError(code, `fake ${code}`, 'reading');
    return {
      ok: failed === null,
      error: failed,
      identity: failed === null ? (device?.identity ?? null) : null,
      power: failed === null ? (device?.power ?? 'unknown') : 'unknown',
      learned: { suite: 17 },
      warnings: [{ code: 'CIPHER_0_OPEN', text: 'anybody may log in' }],
      latencyMs: 12.4,
    };
  }
}

function isSettings(input: unknown): input is { readonly device: string } {
  return (
    typeof input === 'object' &&
    input !== null &&
    'device' in input &&
    typeof input.device === 'string'
  );
}
