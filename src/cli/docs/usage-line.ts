import type { Command } from '../command.ts';
import type { Option } from '../option.ts';
import { argumentForm } from '../parse-call.ts';

/** Options that a person is told of. */
export function shownOptions(command: Command): readonly Option<unknown>[] {
  return Object.values(command.options).filter((option) => !option.isHidden);
}

/** `kennel vm start <vm> [options]`: how a verb is typed. */
export function usageOf(command: Command, name: string): string {
  const shown = shownOptions(command);
  const required = shown.filter((option) => option.isRequired).map((option) => option.flags);
  return [
    name,
    ...Object.entries(command.arguments).map(([argument, spec]) => argumentForm(argument, spec)),
    ...required.map((flags) => flags.replace(/^-\w, /, '')),
    ...(shown.length > required.length ? ['[options]'] : []),
  ].join(' ');
}

export function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
