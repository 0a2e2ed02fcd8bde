import { flag, oneOf, text } from './option.ts';
import { outputFormats } from './world.ts';

/** Options of every verb; they may stand before or after it. */
export const globalOptions = {
  config: text('--config <file>', 'client configuration: which cluster, and who asks', {
    completes: { kind: 'file' },
  }),
  output: oneOf('-o, --output <format>', 'form of the answer', outputFormats, 'table'),
  noColor: flag('--no-color', 'no colours, also on a terminal'),
};
