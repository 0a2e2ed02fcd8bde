import { z } from 'zod';
import { scenarioSchema } from './schema.ts';

/**
 * The form of a scenario file as JSON Schema (2020-12), for editors and other tools. Names that a
 * file uses and does not declare are found by `loadScenario` alone.
 */
export function scenarioJsonSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(scenarioSchema, { io: 'input' });
}
