import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { z } from 'zod';
import { LabError } from './lab-error.ts';

const answerSchema = z.union([
  z.object({ return: z.unknown() }),
  z.object({ error: z.object({ class: z.string(), desc: z.string() }) }),
]);

export interface QmpCommand {
  readonly execute: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
}

/**
 * Runs commands one after the other on the control socket of a QEMU program and returns their
 * answers.
 *
 * @throws LabError LAB_QMP when the socket does not answer within 10 s or refuses a command.
 */
export async function runQmp(
  socketPath: string,
  commands: readonly QmpCommand[],
): Promise<readonly unknown[]> {
  const socket = connect(socketPath);
  socket.setTimeout(10_000, () => socket.destroy(new Error('no answer within 10 s')));
  try {
    await once(socket, 'connect');
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    const read = async (): Promise<unknown> => {
      for (;;) {
        const line = await lines.next();
        if (line.done === true) throw new Error('closed');
        const message = JSON.parse(line.value) as unknown;
        const parsed = answerSchema.safeParse(message);
        if (!parsed.success) continue; // the greeting, or an event
        if ('error' in parsed.data) throw new Error(parsed.data.error.desc);
        return parsed.data.return;
      }
    };
    const answers: unknown[] = [];
    for (const command of [{ execute: 'qmp_capabilities' }, ...commands]) {
      socket.write(`${JSON.stringify(command)}\n`);
      answers.push(await read());
    }
    return answers.slice(1);
  } catch (error) {
    throw new LabError(
      'LAB_QMP',
      `QMP on ${socketPath}`,
      (error as Error).message,
      'run `kennel lab up` to repair the storage',
    );
  } finally {
    socket.destroy();
  }
}
