import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentWorld, secondBoot, stateFile, testVm } from './testing/agent-world.ts';
import type { AgentCommand } from '../src/api/schema/session.ts';

type Step =
  | { readonly kind: 'start' | 'release' | 'permit' | 'repeat' | 'crash' | 'reboot' | 'redial' }
  | { readonly kind: 'lease'; readonly on: boolean }
  | { readonly kind: 'daemon'; readonly to: 'hang' | 'resume' | 'kill' | 'start' }
  | { readonly kind: 'lose'; readonly call: 'start' | 'destroy' | 'undefine' | 'list' }
  | { readonly kind: 'late'; readonly effectAfterMs: number }
  | { readonly kind: 'disk'; readonly full: boolean }
  | { readonly kind: 'pause' | 'wait'; readonly forMs: number };

const plain = fc.constantFrom(
  ...(['start', 'start', 'release', 'release', 'release', 'permit'] as const),
  ...(['repeat', 'crash', 'crash', 'reboot', 'redial'] as const),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: plain }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('lease'), on: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('daemon'),
      to: fc.constantFrom('hang', 'resume', 'resume', 'kill', 'start', 'start'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('lose'),
      call: fc.constantFrom('start', 'destroy', 'undefine', 'list'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('late'),
      effectAfterMs: fc.integer({ min: 1, max: 40_000 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('disk'), full: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('pause', 'wait', 'wait', 'wait'),
      forMs: fc.integer({ min: 1, max: 20_000 }),
    }),
  },
);

/**
 * A manager that commands one VM on one node without any sense, and an observer that knows what
 * the agent promised.
 */
class Observer {
  readonly world: AgentWorld;
  readonly sent: AgentCommand[] = [];
  token = 0;
  /** No run under a token up to this may begin, or go on. */
  lettingGo = -1;
  /** The first time that did not hold. */
  broken: string | null = null;
  #judged = 0;

  constructor(world: AgentWorld) {
    this.world = world;
  }

  get running(): number | null {
    const domain = this.world.host.domains().find(({ vm }) => vm === testVm);
    return domain?.live === undefined ? null : (domain.live.permit?.token ?? -1);
  }

  /** To be asked after every event. */
  check(): boolean {
    for (const { operation, outcome } of this.world.manager.results.slice(this.#judged)) {
      const command = this.sent.find((each) => each.operation === operation);
      if (command === undefined || command.kind === 'inspect') continue;
      const isOver =
        (command.kind === 'release' && outcome.kind === 'done') ||
        (command.kind === 'start' && outcome.kind === 'failed');
      const token = 'permit' in command ? command.permit.token : command.token;
      if (isOver) this.lettingGo = Math.max(this.lettingGo, token);
    }
    this.#judged = this.world.manager.results.length;
    const { running } = this;
    if (running !== null && running <= this.lettingGo) {
      this.broken ??= `token ${running} runs, ${this.lettingGo} was given back`;
    }
    return false;
  }

  async pass(forMs: number): Promise<void> {
    await this.world.time.runUntil(() => this.check(), forMs);
  }

  send(command: AgentCommand): void {
    if (!this.sent.includes(command)) this.sent.push(command);
    if (this.world.manager.connected) this.world.manager.command([command]);
  }
}

async function perform(observer: Observer, given: Step): Promise<void> {
  const { world } = observer;
  switch (given.kind) {
    case 'start':
      observer.token += 1;
      observer.send(world.startCommand(observer.token));
      break;
    case 'release':
      observer.send(world.releaseCommand(observer.token));
      break;
    case 'permit':
      observer.token += 1;
      observer.send(world.permitCommand(observer.token, observer.running));
      break;
    case 'repeat':
      for (const command of observer.sent) observer.send(command);
      break;
    case 'crash':
      await restart(observer);
      break;
    case 'reboot':
      world.host.powerOff();
      world.host.powerOn();
      world.bootId = secondBoot;
      await restart(observer);
      break;
    case 'redial':
      world.manager.hangUp();
      break;
    case 'lease':
      world.manager.lease = given.on;
      break;
    case 'daemon':
      if (given.to === 'hang') world.host.hangDaemon();
      if (given.to === 'resume') world.host.resumeDaemon();
      if (given.to === 'kill') world.host.killDaemon();
      if (given.to === 'start') world.host.startDaemon();
      break;
    case 'lose':
      world.host.inject(given.call, { kind: 'lost' });
      break;
    case 'late':
      world.host.inject('start', { kind: 'ackLost', effectAfterMs: given.effectAfterMs });
      await perform(observer, { kind: 'start' });
      await observer.pass(100);
      break;
    case 'disk':
      world.disk.clearFaults();
      if (given.full) {
        const times = Number.POSITIVE_INFINITY;
        world.disk.inject({ operation: 'write', path: stateFile, code: 'ENOSPC', times });
      }
      break;
    case 'pause':
      world.process.pause('stopped');
      await observer.pass(given.forMs);
      world.process.resume('stopped');
      break;
    case 'wait':
      await observer.pass(given.forMs);
      break;
    default:
      given satisfies never;
  }
}

async function restart(observer: Observer): Promise<void> {
  const { world } = observer;
  world.crash();
  await world.start();
  await observer.pass(300);
}

test('what was released, or answered as failed, never runs again under that token', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const observer = new Observer(await AgentWorld.ready());
      for (const given of steps) {
        await perform(observer, given);
        await observer.pass(1);
      }
      await observer.pass(60_000);
      expect(observer.broken).toBeNull();
    }),
    { numRuns: 400 },
  );
});

test('after any faults a healthy node starts what it is told to', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const observer = new Observer(await AgentWorld.ready());
      const { world } = observer;
      for (const given of steps) await perform(observer, given);
      world.host.resumeDaemon();
      world.host.startDaemon();
      world.disk.clearFaults();
      world.manager.lease = true;
      await observer.pass(200_000);
      const release = world.releaseCommand(observer.token);
      for (let count = 0; count < 5; count += 1) {
        if ((await world.run(release)) === 'done') break;
      }
      expect(world.lastOutcome(release.operation)).toBe('done');
      let outcome = '';
      for (let count = 0; count < 5 && outcome !== 'done'; count += 1) {
        observer.token += 1;
        outcome = await world.run(world.startCommand(observer.token));
      }
      expect(outcome).toBe('done');
      expect(observer.running).toBe(observer.token);
    }),
    { numRuns: 100 },
  );
});
