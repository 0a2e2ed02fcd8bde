import type { z } from 'zod';
import type { CreateVm } from '../../api/schema/requests.ts';
import { apiValue } from '../../api/schema/kubernetes/kube-form.ts';
import type { VirtualMachineSpec } from '../../api/schema/kubernetes/virtual-machine.ts';
import { vmHardwareSchema } from '../../api/schema/vm-hardware.ts';
import { vmSpecSchema } from '../../api/schema/vm-spec.ts';
import { plainHardware } from '../../core/model/hardware.ts';
import { defaultLimits } from '../../core/model/vm.ts';

const mebibytes = { Mi: 1, Gi: 1024, Ti: 1024 * 1024 } as const;

/** What an object asks of Kennel, under this name. */
export function vmSpecOf(spec: VirtualMachineSpec, name: string): CreateVm['spec'] {
  const shape = vmSpecSchema.shape;
  const given = spec as unknown as Readonly<Record<string, unknown>>;
  const meant = <S extends z.ZodType>(schema: S, field: string): z.output<S> =>
    apiValue(schema, given[field]) as z.output<S>;
  return {
    name,
    vcpus: spec.vcpus,
    memoryMiB: memoryMiBOf(spec.memory),
    disks: meant(shape.disks, 'disks'),
    interfaces: meant(shape.interfaces, 'interfaces'),
    priority: meant(shape.priority, 'priority'),
    definition: {
      kind: 'typed',
      machine: spec.machine ?? null,
      emulated: spec.emulated,
      ...(given['hardware'] === undefined ? {} : { hardware: hardwareOf(given['hardware']) }),
    },
    consoleLog: meant(shape.consoleLog, 'consoleLog'),
    separateFrom: [],
    nodes: meant(shape.nodes, 'hypervisors'),
    limits: given['limits'] === undefined ? defaultLimits : meant(shape.limits, 'limits'),
  };
}

export function desiredOf(spec: VirtualMachineSpec): CreateVm['desired'] {
  return spec.desired.toLowerCase() as CreateVm['desired'];
}

/** `2Gi` is 2048. The form was checked. */
function memoryMiBOf(memory: string): number {
  const unit = memory.slice(-2) as keyof typeof mebibytes;
  return Number(memory.slice(0, -2)) * mebibytes[unit];
}

/** What is not said is plain. */
function hardwareOf(given: unknown): z.output<typeof vmHardwareSchema> {
  const said = Object.entries(vmHardwareSchema.shape).flatMap(([field, schema]) => {
    const value = (given as Readonly<Record<string, unknown>>)[field];
    return value === undefined ? [] : [[field, apiValue(schema, value)] as const];
  });
  return { ...plainHardware, ...Object.fromEntries(said) };
}
