import { addAlertSchema, type AddAlert } from '../../api/schema/alerts.ts';
import { valueOf, withClient } from '../action.ts';
import type { Change } from '../change-options.ts';
import { runChange } from '../change.ts';
import type { Call } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import { renderColumns } from '../render/columns.ts';
import { readSecret } from '../secret-input.ts';
import { usageError } from '../usage.ts';

interface AlertOptions {
  readonly url: string | null;
  readonly urlFile: string | null;
  readonly tokenFile: string | null;
  readonly pin: string | null;
  readonly exec: string | null;
  readonly on: readonly string[];
}

export async function listAlerts(call: Call): Promise<number> {
  return withClient(call, async (client) => {
    const views = valueOf(await client.alerts());
    await print(call, views, (layout) =>
      renderColumns(
        ['ALERT', 'TARGET', 'BEHIND', 'LOST', 'FAILURES', 'OF', 'LAST ERROR'],
        views.map((view) => [
          { text: view.name },
          { text: view.target },
          { text: String(view.behind), align: 'right' },
          { text: String(view.lost), align: 'right' },
          { text: String(view.failures), align: 'right' },
          { text: view.kinds.length === 0 ? 'everything' : view.kinds.join(',') },
          { text: view.lastError ?? '-' },
        ]),
        layout.columns,
      ).join('\n'),
    );
    return exitCodes.done;
  });
}

export async function addAlert(
  call: Call,
  name: string,
  options: Change & AlertOptions,
): Promise<number> {
  const body = await alertBody(call, options);
  return runChange(call, options, {
    question: null,
    apply: (client, how) => client.addAlert(name, body, how),
    describe: (view, isDryRun) =>
      `alert ${view.name}: ${view.target} ${isDryRun ? 'would be' : 'is'} told of ${view.kinds.length === 0 ? 'everything' : view.kinds.join(', ')}`,
    goal: null,
  });
}

export async function removeAlert(call: Call, name: string, options: Change): Promise<number> {
  return runChange(call, options, {
    question: null,
    apply: (client, how) => client.removeAlert(name, how),
    describe: (view, isDryRun) =>
      `alert ${view.name}: ${isDryRun ? 'would be' : 'is'} told no more`,
    goal: null,
  });
}

export async function testAlert(call: Call, name: string, options: Change): Promise<number> {
  return withClient(call, async (client) => {
    const { dryRun, reason } = options;
    const view = valueOf(await client.testAlert(name, { dryRun, reason }));
    await print(call, view, () =>
      view.told ? `alert ${name}: told` : `alert ${name}: not told (${view.because ?? ''})`,
    );
    return view.told || dryRun ? exitCodes.done : exitCodes.failed;
  });
}

async function alertBody(call: Call, options: AlertOptions): Promise<AddAlert> {
  const { url, urlFile, tokenFile, exec } = options;
  const given = [url, urlFile, exec].filter((one) => one !== null);
  if (given.length !== 1 || (exec !== null && (tokenFile !== null || options.pin !== null))) {
    throw usageError({
      what: 'the alert has no usable target',
      because: 'it has either an address, to which a token and a pin may belong, or a program',
      try: ['--url-file FILE', '--url https://host/path', '--exec PROGRAM'],
    });
  }
  const target = exec === null ? await webhookOf(call, options) : { kind: 'exec', program: exec };
  const checked = addAlertSchema.safeParse({ target, kinds: options.on });
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  throw usageError({
    what: 'the alert is not described as it must be',
    // Which part is wrong, and never what stood there.
    because: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`,
    try: ['kennel alert add --help'],
  });
}

async function webhookOf(call: Call, options: AlertOptions): Promise<object> {
  const read = (file: string) => readSecret(call.world, { noun: 'token', file, stdin: false });
  const text = options.urlFile === null ? (options.url ?? '') : await read(options.urlFile);
  const token = options.tokenFile === null ? null : await read(options.tokenFile);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.protocol !== 'https:' || url.username !== '' || url.password !== '') {
    throw usageError({
      what: 'the address of the webhook cannot be used',
      because: 'it must have the form https://HOST[:PORT]/PATH, without a user',
      try: ['--url https://host/path', '--token-file FILE, for a bearer token'],
    });
  }
  return {
    kind: 'webhook',
    host: url.hostname.replaceAll(/^\[|\]$/g, ''),
    port: url.port === '' ? 443 : Number(url.port),
    pin: options.pin,
    path: `${url.pathname}${url.search}`,
    token,
  };
}
