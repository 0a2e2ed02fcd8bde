import { expect, test } from 'vitest';
import { streamCreditBytes } from '../src/api/schema/guest-stream.ts';
import type { AgentMessage, StreamOpen } from '../src/api/schema/session.ts';
import type { Log } from '../src/env/log.ts';
import type { DomainList } from './domain-list.ts';
import type { Asker } from './executor.ts';
import { GuestStreams } from './guest-streams.ts';
import type { GuestStreamEvents, Hypervisor } from './hypervisor.ts';

const vm = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
const id = (number: number): string => `00000000-0000-4000-8000-00000000000${number}`;
const permit = { vm, node: 'node-1', incarnation: 'boot.1', token: 3 };

function world(token = 3) {
  const opened: { events: GuestStreamEvents; written: string[]; closed: boolean }[] = [];
  const hypervisor: Partial<Hypervisor> = {
    openStream: async (_, __, events) => {
      const one = { events, written: [] as string[], closed: false };
      opened.push(one);
      return {
        kind: 'ok',
        value: {
          mime: null,
          write: (bytes) => one.written.push(new TextDecoder().decode(bytes)),
          close: () => {
            one.closed = true;
          },
        },
      };
    },
  };
  const domain = { vm, name: 'a', active: true, permit: { ...permit, token } };
  const domains = { fresh: async () => ({ kind: 'ok', domains: [domain] }) };
  const streams = new GuestStreams({
    hypervisor: hypervisor as Hypervisor,
    domains: domains as unknown as DomainList,
    log: { info: () => undefined } as unknown as Log,
  });
  return { streams, opened };
}

function asker(): Asker & { readonly said: AgentMessage[]; readonly text: () => string } {
  const said: AgentMessage[] = [];
  const text = (): string =>
    said
      .map((one) => (one.kind === 'streamOutput' ? Buffer.from(one.data, 'base64').toString() : ''))
      .join('');
  return { said, text, answer: (message) => said.push(message) };
}

const open = (stream: string): StreamOpen => ({
  kind: 'streamOpen',
  clusterId: id(9),
  epoch: 1,
  incarnation: 'boot.1',
  stream,
  permit,
  request: { kind: 'console', force: false },
});

test('a console carries both ways, and tells of its end after its last byte', async () => {
  const { streams, opened } = world();
  const reader = asker();
  await streams.open(open(id(1)), reader);
  opened[0]?.events.onData(Buffer.from('login: '));
  const data = Buffer.from('root\n').toString('base64');
  streams.control({ kind: 'streamInput', stream: id(1), data }, reader);
  opened[0]?.events.onData(Buffer.from('bye'));
  opened[0]?.events.onEnd(null);
  expect(opened[0]?.written).toEqual(['root\n']);
  expect(reader.text()).toBe('login: bye');
  expect(reader.said.map(({ kind }) => kind)).toEqual([
    'streamOpened',
    'streamOutput',
    'streamOutput',
    'streamClosed',
  ]);
  expect(opened[0]?.closed).toBe(true);
});

test('no more is sent than there is credit for, whatever the guest says', async () => {
  const { streams, opened } = world();
  const reader = asker();
  await streams.open(open(id(1)), reader);
  opened[0]?.events.onData(Buffer.alloc(3 * streamCreditBytes, 'x'));
  expect(reader.text()).toHaveLength(streamCreditBytes);
  streams.control({ kind: 'streamCredit', stream: id(1), bytes: 1000 }, reader);
  expect(reader.text()).toHaveLength(streamCreditBytes + 1000);
  // Not even a manager that is too generous.
  streams.control({ kind: 'streamCredit', stream: id(1), bytes: 10_000_000 }, reader);
  expect(reader.text()).toHaveLength(2 * streamCreditBytes + 1000);
});

test('a VM that runs by another token has no console for whoever asks with this one', async () => {
  const { streams, opened } = world(4);
  const reader = asker();
  await streams.open(open(id(1)), reader);
  expect(opened).toEqual([]);
  expect(reader.said).toEqual([
    { kind: 'streamClosed', stream: id(1), because: 'it does not run here by token 3' },
  ]);
});

test('a session has no say in the streams of another one, and takes its own along', async () => {
  const { streams, opened } = world();
  const [one, other] = [asker(), asker()];
  await streams.open(open(id(1)), one);
  await streams.open(open(id(2)), other);
  const data = Buffer.from('rm').toString('base64');
  streams.control({ kind: 'streamInput', stream: id(1), data }, other);
  streams.control({ kind: 'streamClose', stream: id(1) }, other);
  expect(opened[0]).toMatchObject({ written: [], closed: false });
  streams.drop(one);
  expect(opened.map(({ closed }) => closed)).toEqual([true, false]);
  opened[0]?.events.onData(Buffer.from('late'));
  expect(one.text()).toBe('');
});
