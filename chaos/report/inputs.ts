import { z } from 'zod';

/*
 * The JSON reports of the other commands, as far as the page shows them. Fields that it does not
 * know are let go: a report of a newer version is still worth reading.
 */

const count = z.int().min(0);
const counts = z.record(z.string(), count);
const violation = z.object({
  checker: z.string(),
  message: z.string(),
  /** Virtual or real time in the run. */
  atMs: z.number().optional(),
});

const recoverySchema = z
  .object({
    proof: z.string(),
    stage: z.enum(['detected', 'proven', 'started']),
    bucketsMs: z.array(z.number().positive()).min(1),
    counts: z.array(count),
  })
  .refine(({ bucketsMs, counts: each }) => each.length === bucketsMs.length + 1, {
    message: 'must have one count more than there are buckets',
    path: ['counts'],
  })
  .refine(
    ({ bucketsMs }) => bucketsMs.every((ms, at) => at === 0 || ms > (bucketsMs[at - 1] ?? 0)),
    {
      message: 'must grow',
      path: ['bucketsMs'],
    },
  );

const simFields = z.object({
  seeds: count,
  hash: z.string(),
  failovers: count,
  events: count,
  virtualHours: z.number().min(0).optional(),
  clusterHoursPerCpuSecond: z.number().min(0),
  violations: z.array(violation.extend({ seed: z.int(), replay: z.string() })),
  sometimes: counts,
  neverReached: z.array(z.string()).default([]),
  recovery: z.array(recoverySchema).default([]),
});

/** A campaign counts rare states that it never reached as 0. */
const simSchema = simFields.transform((sim) => {
  const states = Object.entries(sim.sometimes);
  const never = states.filter(([, times]) => times === 0).map(([name]) => name);
  return {
    ...sim,
    sometimes: Object.fromEntries(states.filter(([, times]) => times > 0)),
    neverReached: [...new Set([...sim.neverReached, ...never])],
  };
});

const mutantsSchema = z.object({
  mutants: z.array(
    z.object({
      name: z.string(),
      summary: z.string().default(''),
      caught: z.boolean(),
      seeds: count,
      checker: z.string().nullable(),
    }),
  ),
});

const scenariosSchema = z.object({
  results: z.array(
    z.object({
      id: z.string(),
      class: z.string().nullable(),
      verdict: z.enum(['pass', 'fail', 'excluded']),
      reasons: z.array(z.string()),
    }),
  ),
});

const time = z.number().nullish();

const realSchema = z.object({
  seed: z.union([z.int(), z.string()]),
  minutes: z.number().min(0),
  faults: z.array(
    z.object({
      atMs: z.number().min(0),
      fault: z.string(),
      target: z.string().nullish(),
      /** 0 or none: it is over at once. */
      durationMs: z.number().min(0).nullish(),
      /** Why it could not be done. */
      failed: z.string().optional(),
    }),
  ),
  failovers: z.array(
    z.object({
      node: z.string().nullish(),
      proof: z.string().nullish(),
      /** From the start of the run. */
      atMs: time,
      /** From the last sign of life of the node. */
      detectedMs: time,
      provenMs: time,
      /** The last of its VMs. */
      lastStartMs: time,
    }),
  ),
  violations: z.array(violation.extend({ replay: z.string().optional() })),
  /** Why nothing was run. */
  skipped: z.string().optional(),
});

const kindSchema = z.object({ asked: z.boolean(), casesClaimed: count, cases: count });

const coverageSchema = z.object({
  rows: z.array(
    z.object({
      id: z.string(),
      group: z.string(),
      scenario: z.string(),
      tested: z.string(),
      status: z.enum(['covered', 'partly', 'open']),
      red: z.boolean(),
      missing: z.array(z.string()),
      kinds: z.object({ sim: kindSchema, real: kindSchema, unit: kindSchema }),
    }),
  ),
});

export const inputSchemas = {
  sim: simSchema,
  mutants: mutantsSchema,
  scenarios: scenariosSchema,
  real: realSchema,
  coverage: coverageSchema,
} as const;

export type InputName = keyof typeof inputSchemas;

export type SimInput = z.infer<typeof simSchema>;
export type Recovery = z.infer<typeof recoverySchema>;
export type MutantsInput = z.infer<typeof mutantsSchema>;
export type ScenariosInput = z.infer<typeof scenariosSchema>;
export type RealInput = z.infer<typeof realSchema>;
export type CoverageInput = z.infer<typeof coverageSchema>;

/** What the page is made of; null = was not given. */
export interface ReportInputs {
  readonly sim: SimInput | null;
  readonly mutants: MutantsInput | null;
  readonly scenarios: ScenariosInput | null;
  readonly real: RealInput | null;
  readonly coverage: CoverageInput | null;
}

export const noInputs: ReportInputs = {
  sim: null,
  mutants: null,
  scenarios: null,
  real: null,
  coverage: null,
};

/** The command that writes each of them. */
export const sourceCommands: Readonly<Record<InputName, string>> = {
  sim: 'kennel chaos sim --json sim.json',
  mutants: 'kennel chaos mutants --json mutants.json',
  scenarios: 'kennel chaos scenario FILE… --json scenarios.json',
  real: 'kennel chaos real --json real.json',
  coverage: 'kennel chaos coverage --json coverage.json',
};
