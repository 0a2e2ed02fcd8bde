import { alertKinds } from '../../core/model/alert.ts';
import { changeOptions } from '../change-options.ts';
import { command } from '../command.ts';
import type { Noun } from '../command.ts';
import { repeatedText, text } from '../option.ts';

const alert = { summary: 'name of the alert', completes: { kind: 'nothing' } } as const;
const file = { completes: { kind: 'file' } } as const;

const ls = command({
  name: 'ls',
  summary: 'who is told of what, and how that goes',
  arguments: {},
  options: {},
  examples: ['kennel alert ls'],
  run: async (call) => (await import('../actions/alert.ts')).listAlerts(call),
});

const add = command({
  name: 'add',
  summary: 'tell somebody what happens, by a webhook or a program',
  description: [
    'A webhook gets a POST with JSON over HTTPS. An alert comes at least once; the same id is the same alert. Whatever of its address is a key comes from a file: --url-file. Only host and port are shown afterwards.',
    'A program gets the same JSON on standard input. It lies in /etc/kennel/alert.d on every machine that runs a manager, and has ten seconds.',
    'The same name again changes an alert, which goes on where it was.',
  ],
  arguments: { alert },
  options: {
    url: text('--url <url>', 'https://HOST[:PORT]/PATH, if nothing in it is secret'),
    urlFile: text('--url-file <file>', 'file that holds the address', file),
    tokenFile: text('--token-file <file>', 'file that holds a bearer token', file),
    pin: text('--pin <sha256>', 'certificate that it must show; an authority must vouch otherwise'),
    exec: text('--exec <program>', 'name of a program in /etc/kennel/alert.d'),
    on: repeatedText('--on <kind>', 'what it is told of, everything otherwise (may be repeated)', {
      completes: { kind: 'words', words: alertKinds },
    }),
    ...changeOptions,
  },
  examples: [
    'kennel alert add chat --url-file /root/chat-webhook --on fenced --on blocked --on governor',
    'kennel alert add pager --exec page-on-call',
  ],
  run: async (call) =>
    (await import('../actions/alert.ts')).addAlert(call, call.arguments.alert, call.options),
});

const test = command({
  name: 'test',
  summary: 'tell it something harmless, now, and say how that went',
  arguments: { alert },
  options: changeOptions,
  examples: ['kennel alert test chat'],
  run: async (call) =>
    (await import('../actions/alert.ts')).testAlert(call, call.arguments.alert, call.options),
});

const rm = command({
  name: 'rm',
  summary: 'tell it no more',
  arguments: { alert },
  options: changeOptions,
  examples: ['kennel alert rm chat'],
  run: async (call) =>
    (await import('../actions/alert.ts')).removeAlert(call, call.arguments.alert, call.options),
});

export const alertNoun: Noun = {
  kind: 'noun',
  name: 'alert',
  summary: 'who is told when something happens: webhooks and programs',
  verbs: [ls, add, test, rm],
};
