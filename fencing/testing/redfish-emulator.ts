import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { makeTestCluster } from '../../src/pki/test-credentials.ts';
import { loopbackAddress, uniquePassword } from './bmc-rig.ts';

/** How the emulated BMC treats what it is asked. Taken up with the next request. */
export type RedfishMode =
  | 'ok'
  /** Accepts resets, does nothing, tells the truth. */
  | 'stuck'
  /** Executes resets and goes on saying On. */
  | 'lying on'
  /** Accepts resets, does nothing, says that they worked. */
  | 'lying off'
  /** 503 `ServiceTemporarilyUnavailable` for every reset. */
  | 'busy'
  /** 503 without a Redfish body, from something in front of the service. */
  | 'bare 503'
  /** 409 `ResourceInUse` for every reset. */
  | 'in use'
  /** 409 for a reset to what already is so. */
  | 'strict'
  /** Executes the reset, answers 500. */
  | 'error 500'
  /** Executes the reset, then is gone without an answer. */
  | 'dies'
  /** No session is left, for Basic authentication neither. */
  | 'no session'
  /** Sends every request somewhere else. */
  | 'redirect'
  /** Answers without end. */
  | 'endless'
  /** Echoes the credentials it was given in an error. */
  | 'echo'
  /** Takes this many seconds for every reset. */
  | `slow ${number}`
  /** Stays this many seconds in PoweringOff or PoweringOn. */
  | `delayed ${number}`;

interface Answer {
  readonly status: number;
  readonly body?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

const base = '/redfish/v1';
const sessionLimit = 4;

/**
 * A BMC with a Redfish service: a real HTTPS server on a loopback address of its own, with a
 * certificate that it signed itself, for one or more machines.
 */
export class RedfishEmulator {
  readonly address = loopbackAddress();
  readonly user = { name: 'kennel', password: uniquePassword() };
  readonly uuid: string = randomUUID();
  /** Requests in order: method and path. */
  readonly requests: string[] = [];
  /** Requests that carried a credential of any kind. */
  credentialsSeen = 0;
  readonly sessions = new Map<string, string>();
  mode: RedfishMode = 'ok';
  /** The truth, whatever is said. */
  power: 'on' | 'off' = 'on';
  /** Other machines that the same service manages, listed before ours. */
  neighbours: string[] = [];
  /** The identity it shows, where it is not the enrolled one. */
  shownUuid: string | null = null;
  allowed: readonly string[] = ['On', 'ForceOff', 'GracefulShutdown', 'ForceRestart'];
  /** Tells the allowed values in a document of its own. */
  usesActionInfo = false;
  readonly #commands: ('off' | 'on')[] = [];
  #claimed: 'On' | 'Off' | null = null;
  #transition: 'PoweringOff' | 'PoweringOn' | null = null;
  #server: Server;
  readonly #timers = new Set<NodeJS.Timeout>();

  private constructor(certificatePem: string, keyPem: string) {
    this.#server = createServer({ cert: certificatePem, key: keyPem }, (request, response) => {
      void this.#serve(request, response);
    });
  }

  static async start(): Promise<RedfishEmulator> {
    const cluster = await makeTestCluster(randomUUID());
    const { certificatePem, keyPem } = await cluster.issue('manager', 'bmc');
    const emulator = new RedfishEmulator(certificatePem, keyPem);
    await new Promise<void>((resolve, reject) => {
      emulator.#server.once('error', reject);
      emulator.#server.listen(emulator.port, emulator.address, resolve);
    });
    return emulator;
  }

  readonly port = 8443;

  get settings(): { readonly host: string; readonly port: number; readonly user: string } {
    return { host: this.address, port: this.port, user: this.user.name };
  }

  get systemPath(): string {
    return `${base}/Systems/${this.neighbours.length + 1}`;
  }

  /** Resets that reached the machine. */
  commands(): readonly ('off' | 'on')[] {
    return this.#commands;
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const body = Buffer.concat(chunks).toString();
    const path = (request.url ?? '/').replace(/\/$/, '');
    this.requests.push(`${request.method} ${path}`);
    const { authorization } = request.headers;
    const token = request.headers['x-auth-token'];
    if (authorization !== undefined || token !== undefined || body.includes('Password')) {
      this.credentialsSeen += 1;
    }
    if (this.mode === 'endless' && path !== base) return this.#endless(response);
    const answer = await this.#answer(request, path, body);
    if (answer === null) return void request.socket.destroy();
    const { status, headers = {}, body: content } = answer;
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof content === 'object' ? JSON.stringify(content) : content);
  }

  #answer(
    request: IncomingMessage,
    path: string,
    body: string,
  ): Answer | null | Promise<Answer | null> {
    if (this.mode === 'redirect') {
      return { status: 307, headers: { location: `https://${this.address}:${this.port}/other` } };
    }
    if (path === base) return { status: 200, body: this.#root() };
    const sessions = `${base}/SessionService/Sessions`;
    if (path === sessions && request.method === 'POST') return this.#openSession(body);
    if (!this.#isKnown(request)) {
      const echo =
        this.mode === 'echo' ? ` ${request.headers.authorization} ${this.user.password}` : '';
      return failure(401, 'NoValidSession', `no valid session${echo}`);
    }
    if (this.mode === 'echo') {
      return failure(400, 'GeneralError', `${request.headers.authorization} ${this.user.password}`);
    }
    if (this.mode === 'no session') return failure(503, 'SessionLimitExceeded', 'no session left');
    if (path.startsWith(`${sessions}/`) && request.method === 'DELETE') {
      for (const [key, id] of this.sessions) if (path.endsWith(id)) this.sessions.delete(key);
      return { status: 204 };
    }
    if (path === `${base}/Systems`) {
      const count = this.neighbours.length + 1;
      const members = Array.from({ length: count }, (_, index) =>
        link(`${base}/Systems/${index + 1}`),
      );
      return { status: 200, body: { 'Members@odata.count': count, Members: members } };
    }
    if (path === `${this.systemPath}/ResetActionInfo`) {
      return {
        status: 200,
        body: { Parameters: [{ Name: 'ResetType', AllowableValues: this.allowed }] },
      };
    }
    if (path === this.systemPath) {
      return { status: 200, body: this.#system(path, this.shownUuid ?? this.uuid, this.#says()) };
    }
    const neighbour = this.neighbours.findIndex(
      (_, index) => path === `${base}/Systems/${index + 1}`,
    );
    const uuid = this.neighbours[neighbour];
    if (uuid !== undefined) return { status: 200, body: this.#system(path, uuid, 'On') };
    if (path === `${this.systemPath}/Actions/ComputerSystem.Reset` && request.method === 'POST') {
      return this.#reset(body);
    }
    return failure(404, 'ResourceMissingAtURI', path);
  }

  #root(): object {
    const sessions = link(`${base}/SessionService/Sessions`);
    return {
      RedfishVersion: '1.8.0',
      Systems: link(`${base}/Systems`),
      Links: { Sessions: sessions },
    };
  }

  #system(path: string, uuid: string, state: string): object {
    const values = this.usesActionInfo
      ? { '@Redfish.ActionInfo': `${path}/ResetActionInfo` }
      : { 'ResetType@Redfish.AllowableValues': this.allowed };
    return {
      '@odata.id': path,
      UUID: uuid.toUpperCase(),
      PowerState: state,
      Actions: {
        '#ComputerSystem.Reset': { target: `${path}/Actions/ComputerSystem.Reset`, ...values },
      },
    };
  }

  #says(): string {
    if (this.mode === 'lying on') return 'On';
    if (this.mode === 'lying off' && this.#claimed !== null) return this.#claimed;
    return this.#transition ?? (this.power === 'on' ? 'On' : 'Off');
  }

  #isKnown(request: IncomingMessage): boolean {
    const token = request.headers['x-auth-token'];
    if (typeof token === 'string' && this.sessions.has(token)) return true;
    const { name, password } = this.user;
    const expected = `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
    return request.headers.authorization === expected;
  }

  #openSession(body: string): Answer {
    const given = JSON.parse(body) as { UserName?: string; Password?: string };
    if (given.UserName !== this.user.name || given.Password !== this.user.password) {
      return failure(401, 'ResourceAtUriUnauthorized', 'wrong user or password');
    }
    if (this.mode === 'no session' || this.sessions.size >= sessionLimit) {
      const refused = failure(503, 'SessionLimitExceeded', 'no session left');
      return { ...refused, headers: { 'retry-after': '5' } };
    }
    const token = randomBytes(16).toString('hex');
    const id = randomBytes(4).toString('hex');
    this.sessions.set(token, id);
    // In full, as some services give it.
    const location = `https://bmc.invalid${base}/SessionService/Sessions/${id}`;
    return { status: 201, body: { Id: id }, headers: { 'x-auth-token': token, location } };
  }

  async #reset(body: string): Promise<Answer | null> {
    const { ResetType } = JSON.parse(body) as { ResetType?: string };
    const goal = ResetType === 'ForceOff' ? 'off' : 'on';
    const [word = 'ok', seconds = '0'] = this.mode.split(' ');
    const waitMs = Number(seconds) * 1000;
    if (word === 'busy') return failure(503, 'ServiceTemporarilyUnavailable', 'try again later');
    if (this.mode === 'bare 503') return { status: 503, body: 'upstream is not there' };
    if (this.mode === 'in use') return failure(409, 'ResourceInUse', 'another reset is under way');
    if (word === 'strict' && this.power === goal) {
      return failure(409, 'ActionNotSupported', `already ${goal}`);
    }
    this.#commands.push(goal);
    if (word === 'slow') await this.#after(waitMs);
    if (this.mode === 'lying off') this.#claimed = goal === 'off' ? 'Off' : 'On';
    else if (word === 'delayed') {
      this.#transition = goal === 'off' ? 'PoweringOff' : 'PoweringOn';
      void this.#arrive(goal, waitMs);
    } else if (word !== 'stuck') this.power = goal;
    if (this.mode === 'error 500') return failure(500, 'InternalError', 'internal error');
    if (word === 'dies') {
      await this.#die();
      return null;
    }
    return { status: 204 };
  }

  async #arrive(goal: 'on' | 'off', waitMs: number): Promise<void> {
    await this.#after(waitMs);
    this.#transition = null;
    this.power = goal;
  }

  #die(): Promise<void> {
    this.#server.close();
    setImmediate(() => this.#server.closeAllConnections());
    return Promise.resolve();
  }

  #after(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, delayMs);
      this.#timers.add(timer);
    });
  }

  #endless(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' });
    const more = (): void => {
      while (!response.destroyed && response.write(' '.repeat(65_536)));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  }
}

function link(path: string): object {
  return { '@odata.id': path };
}

function failure(status: number, id: string, message: string): Answer {
  const code = `Base.1.8.${id}`;
  const info = [{ MessageId: code, Message: message }];
  return { status, body: { error: { code, message, '@Message.ExtendedInfo': info } } };
}
