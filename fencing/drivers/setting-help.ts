import { z } from 'zod';
import type { SettingHelp } from '../driver.ts';

interface Property {
  readonly description?: string;
  readonly default?: string | number | boolean;
}

/** The settings of a driver as its schema tells them: name, what it is for, whether it must be given. */
export function settingHelp(schema: z.ZodType): readonly SettingHelp[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
  });
  return Object.entries(properties).map(([name, property]): SettingHelp => {
    const { description = '', default: fallback } = property as Property;
    return {
      name,
      summary: description,
      isRequired: required.includes(name),
      fallback: fallback === undefined ? null : String(fallback),
    };
  });
}
