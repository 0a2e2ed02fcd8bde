import type { JsonValue } from '../../src/env/network.ts';

/** A `commands` message as a manager sent it to a node. */
export interface RecordedCommands {
  readonly from: string;
  readonly body: {
    readonly [key: string]: JsonValue | undefined;
    readonly commands: readonly {
      readonly kind: string;
      readonly operation: string;
      readonly [key: string]: JsonValue | undefined;
    }[];
  };
}

/** The same starts and permits as another intent; a release under another id is a wish to stop. */
export function renamed(body: RecordedCommands['body']): RecordedCommands['body'] {
  const commands = body.commands
    .filter((command) => command.kind === 'start' || command.kind === 'permit')
    .map((command) => ({ ...command, operation: `${command.operation}/again` }));
  return { ...body, commands };
}
