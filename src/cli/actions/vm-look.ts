import { isAbsolute, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { valueOf, withClient } from '../action.ts';
import type { Call } from '../command.ts';
import { print } from '../output.ts';
import { usageError } from '../usage.ts';

/** ^], as of telnet and virsh. */
const escapeKey = 0x1d;

/** Until either side ends it. */
export async function openConsole(
  call: Call,
  vm: string,
  options: { readonly readOnly: boolean; readonly force: boolean; readonly reason: string | null },
): Promise<number> {
  const { terminal } = call.world;
  if (!terminal.isInteractive && !options.readOnly) {
    throw usageError({
      what: 'a console needs a terminal',
      because: 'standard input or output is none, so there are no keys to send to the guest',
      try: [`kennel vm console ${vm} --read-only, which prints what the guest says`],
    });
  }
  return withClient(call, async (client) => {
    const stream = valueOf(await client.consoleOfVm(vm, options));
    const how = options.readOnly ? ' (read only)' : '';
    if (terminal.isInteractive) terminal.writeError(`console of ${vm}${how}, ^] ends it\n`);
    const stop = terminal.isInteractive
      ? terminal.readKeys((bytes) => type(stream, bytes, options.readOnly))
      : null;
    try {
      await ended(stream, (bytes) => terminal.writeBytes(bytes));
    } finally {
      stop?.();
      stream.destroy();
    }
    return 0;
  });
}

function type(stream: Duplex, bytes: Uint8Array, readOnly: boolean): void {
  const at = bytes.indexOf(escapeKey);
  if (at < 0) {
    if (!readOnly) stream.write(bytes);
    return;
  }
  if (at > 0 && !readOnly) stream.write(bytes.subarray(0, at));
  stream.end();
}

function ended(stream: Duplex, onBytes: (bytes: Uint8Array) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.on('data', onBytes);
    stream.on('error', reject);
    stream.on('close', resolve);
    stream.on('end', resolve);
    stream.on('finish', resolve);
  });
}

export async function takeScreenshot(
  call: Call,
  { vm, file }: { readonly vm: string; readonly file: string },
): Promise<number> {
  const path = isAbsolute(file) ? file : join(call.world.workingDirectory, file);
  return withClient(call, async (client) => {
    const { data, ...picture } = valueOf(await client.screenshotOfVm(vm));
    const bytes = new Uint8Array(Buffer.from(data, 'base64'));
    const { disk } = await call.world.env();
    await disk.replace(path, bytes, { mode: 0o600 });
    const told = { ...picture, file: path, bytes: bytes.byteLength };
    await print(
      call,
      told,
      () =>
        `vm ${picture.vm}: screen on ${picture.node} is in ${file} (${picture.mime}, ${bytes.byteLength} bytes)`,
    );
    return 0;
  });
}
