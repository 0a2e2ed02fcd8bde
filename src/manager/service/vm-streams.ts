import type { Caller } from '../../api/cluster-service.ts';
import type { ScreenshotView, StreamRequest } from '../../api/schema/guest-stream.ts';
import type { ConsoleLink, ConsoleReader, VmStreamService } from '../../api/vm-stream-service.ts';
import type { VmRecord } from '../../core/model/vm.ts';
import { ok, problem, type Outcome, type Problem } from '../../core/problem.ts';
import type { OpenStream, StreamReader } from '../guest-streams.ts';
import type { Leader } from '../leader.ts';
import { unknownVm } from '../problems.ts';
import type { SessionHub } from '../session-hub.ts';
import { asked } from './asked.ts';
import type { Sights } from './sights.ts';
import { findVm } from './vm-service.ts';

/** Consoles and screens of guests, over the sessions of their nodes' agents. */
export class VmStreams implements VmStreamService {
  readonly #sights: Sights;
  readonly #hub: SessionHub;

  constructor(options: { readonly sights: Sights; readonly hub: SessionHub }) {
    this.#sights = options.sights;
    this.#hub = options.hub;
  }

  console(
    name: string,
    { force, readOnly }: { readonly force: boolean; readonly readOnly: boolean },
    caller: Caller,
    reader: ConsoleReader,
  ): Promise<Outcome<ConsoleLink>> {
    return this.#sights.lead(async (leader) => {
      const opened = await this.#open(leader, name, { kind: 'console', force }, reader);
      if (opened.kind === 'problem') return opened;
      const { vm, node, stream } = opened.value;
      const noted = await leader.mutate((draft) => {
        const how = readOnly ? ', to read' : '';
        draft.event({
          code: 'VM_CONSOLE_OPENED',
          severity: 'info',
          node: vm.permit?.node ?? null,
          vm: vm.id,
          text: `the console of ${vm.spec.name} on ${node} is opened${how}`,
        });
        return ok(null);
      }, asked(caller));
      if (noted.kind === 'problem') {
        stream.close();
        return noted;
      }
      const { passedOn, close } = stream;
      const write = readOnly ? () => undefined : stream.write;
      return ok({ node, write, passedOn, close });
    });
  }

  screenshot(name: string): Promise<Outcome<ScreenshotView>> {
    return this.#sights.lead(async (leader) => {
      const pieces: Uint8Array[] = [];
      let credit: ((bytes: number) => void) | null = null;
      let early = 0;
      let end: (because: string | null) => void = () => undefined;
      const ended = new Promise<string | null>((resolve) => {
        end = resolve;
      });
      const reader: StreamReader = {
        onOutput: (bytes) => {
          pieces.push(bytes);
          if (credit === null) early += bytes.byteLength;
          else credit(bytes.byteLength);
        },
        onEnd: end,
      };
      const opened = await this.#open(leader, name, { kind: 'screenshot' }, reader);
      if (opened.kind === 'problem') return opened;
      const { vm, node, stream } = opened.value;
      credit = stream.passedOn;
      if (early > 0) credit(early);
      const because = await ended;
      if (because !== null) return problem(noStream(vm, 'screen', because));
      const mime = stream.mime ?? 'application/octet-stream';
      const data = Buffer.concat(pieces).toString('base64');
      return ok({ vm: vm.spec.name, node, mime, data });
    });
  }

  async #open(
    leader: Leader,
    name: string,
    request: StreamRequest,
    reader: StreamReader,
  ): Promise<
    Outcome<{ readonly vm: VmRecord; readonly node: string; readonly stream: OpenStream }>
  > {
    const vm = findVm(leader.mirror, name);
    if (vm === undefined) return problem(unknownVm(name));
    const what = request.kind === 'console' ? 'console' : 'screen';
    const { permit } = vm;
    if (permit === null) return problem(noStream(vm, what, `it is ${vm.phase}: no node runs it`));
    const opening = this.#hub.openStream({ epoch: leader.epoch, permit, request }, reader);
    if (opening === null) {
      const because = `${permit.node} is not connected, or its agent is too old to open one`;
      return problem(noStream(vm, what, because));
    }
    const opened = await opening;
    if (opened.kind === 'problem') {
      return problem(noStream(vm, what, opened.problem.because));
    }
    return ok({ vm, node: permit.node, stream: opened.value });
  }
}

function noStream(vm: VmRecord, what: 'console' | 'screen', because: string): Problem {
  const { name } = vm.spec;
  return {
    code: 'E_CONFLICT',
    what: `the ${what} of VM ${name} cannot be opened`,
    because,
    so: 'its guest was not touched',
    try: [`kennel vm show ${name}`, ...hints(vm, what)],
  };
}

function hints({ spec }: VmRecord, what: 'console' | 'screen'): readonly string[] {
  if (what === 'screen') {
    const { definition } = spec;
    const isBlind = definition.kind === 'typed' && definition.hardware?.graphics !== 'vnc';
    return isBlind ? ['give it graphics: vnc, see docs/vm-spec.md'] : [];
  }
  if (spec.consoleLog !== null) {
    return [`read ${spec.consoleLog} on its node: its serial port is written there`];
  }
  return [`kennel vm console ${spec.name} --force, when someone else has it open`];
}
