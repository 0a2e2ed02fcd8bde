import { scenarioSchema } from '../schema.ts';
import type { Scenario } from '../schema.ts';
import type { RunOutcome } from '../outcome.ts';

type Json = Readonly<Record<string, unknown>>;

/** The smallest file that has something to judge: one failover of `vm:1` from `a` to `b`. */
export function sampleFile(patch: Json = {}): Json {
  const at = { node: 'a', t: 10 };
  return {
    format: 'ha-scenario/1',
    id: 'sample',
    title: 'one failover',
    cluster: {
      nodes: ['a', 'b', 'c'].map((name) => ({ name, initial: { power: 'on', network: 'on' } })),
      policies: {},
    },
    services: [sampleService('vm:1', 'a')],
    rules: [],
    timeline: [{ t_seconds: 10, action: 'node.power_off', node: 'a' }],
    end_t: 60,
    expect: {
      fence_requested: [at],
      self_fenced: [],
      fence_confirmed: [at],
      fenced_nodes_in_order: ['a'],
      moves: [
        { t: 20, service: 'vm:1', from: 'a', to: 'b', kind: 'recover', cause: 'node-failure' },
      ],
      starts: [{ t: 20, service: 'vm:1', node: 'b' }],
      final: {
        services: {
          'vm:1': { managed: true, node: 'b', instance: 'running', status: 'active' },
        },
        nodes: {},
        armed: 'armed',
        in_error: [],
        wanted_but_not_running: [],
      },
      bounds: [{ service: 'vm:1', failed_node: 'a', failure_t: 10, max_seconds_to_running: 20 }],
      invariants: ['single_running_instance'],
    },
    portability: { class: 'portable', exclude: false, timing_sensitive: false, notes: [] },
    verification: { ok: true },
    ...patch,
  };
}

export function sampleService(id: string, node: string, patch: Json = {}): Json {
  return {
    id,
    type: 'vm',
    node,
    desired: 'running',
    failback: false,
    max_restart: 1,
    max_relocate: 1,
    ...patch,
  };
}

/** `sampleFile` as the replay takes it. */
export function sampleScenario(patch: Json = {}): Scenario {
  return scenarioSchema.parse(sampleFile(patch));
}

/** What `sampleFile` expects, come true. */
export function sampleOutcome(patch: Partial<RunOutcome> = {}): RunOutcome {
  return {
    violations: [],
    proofs: [{ node: 'a', t: 14, proof: 'powerOff' }],
    fenced: [{ node: 'a', t: 14, proof: 'powerOff' }],
    powerCut: [],
    starts: [{ t: 20, service: 'vm:1', node: 'b' }],
    moves: [{ t: 20, service: 'vm:1', from: 'a', to: 'b' }],
    refused: [],
    services: { 'vm:1': { managed: true, node: 'b', instance: 'running', status: 'active' } },
    inError: [],
    wantedButNotRunning: [],
    hash: '',
    ...patch,
  };
}
