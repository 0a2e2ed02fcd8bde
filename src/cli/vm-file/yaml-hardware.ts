import { z } from 'zod';
import { absolutePathSchema } from '../../api/schema/primitives.ts';
import { pciAddressSchema, vmHardwareSchema } from '../../api/schema/vm-hardware.ts';
import { type VmHardware, plainHardware } from '../../core/model/hardware.ts';
import { overlayProblem } from './overlay.ts';

const count = z.int().min(1).max(1024);
const hardware = vmHardwareSchema.shape;

const cpu = z.strictObject({
  /** `hostModel`, `hostPassthrough`, `maximum`, or a model of libvirt's list. */
  model: z.string().min(1).max(64).default('hostModel'),
  require: z.array(z.string()).max(64).default([]),
  disable: z.array(z.string()).max(64).default([]),
  sockets: count.optional(),
  cores: count.optional(),
  threads: count.optional(),
});

const firmware = z.union(
  [
    z.enum(['bios', 'efi']),
    z.strictObject({
      efi: z.strictObject({
        secureBoot: z.boolean().default(false),
        variables: absolutePathSchema.optional(),
      }),
    }),
  ],
  { error: 'must be bios, efi, or efi: { secureBoot, variables }' },
);

const pageSizes = { '2MiB': 2048, '1GiB': 1_048_576 } as const;

/** Fields of a VM file beyond those that placement needs; each is optional. */
export const yamlHardwareFields = {
  cpu: cpu.optional(),
  firmware: firmware.optional(),
  hugepages: z.enum(['2MiB', '1GiB']).optional(),
  /** `utc`, `localtime`, or a time zone. */
  clock: z.string().min(1).max(64).optional(),
  graphics: hardware.graphics.optional(),
  watchdog: z
    .strictObject({
      model: z.enum(['i6300esb', 'ib700']).default('i6300esb'),
      action: z.enum(['reset', 'poweroff', 'pause', 'injectNmi']).default('reset'),
    })
    .optional(),
  tpm: z.boolean().optional(),
  hostDevices: z.array(pciAddressSchema).max(32).optional(),
  overlay: hardware.overlay
    .unwrap()
    .superRefine((xml, context) => {
      const problem = overlayProblem(xml);
      if (problem !== null) context.addIssue(problem);
    })
    .optional(),
};

type Fields = z.infer<z.ZodObject<typeof yamlHardwareFields>>;

/** `{ hardware }` where a file asks for any, `{}` for a plain machine. */
export function hardwareOf(fields: Fields): { readonly hardware?: VmHardware } {
  const given = Object.keys(yamlHardwareFields).some(
    (name) => fields[name as keyof Fields] !== undefined,
  );
  if (!given) return {};
  return {
    hardware: {
      cpu: cpuOf(fields.cpu),
      firmware: firmwareOf(fields.firmware),
      hugepageKiB: fields.hugepages === undefined ? null : pageSizes[fields.hugepages],
      clock: clockOf(fields.clock),
      graphics: fields.graphics ?? plainHardware.graphics,
      watchdog: fields.watchdog ?? null,
      tpm: fields.tpm ?? false,
      hostDevices: fields.hostDevices ?? [],
      overlay: fields.overlay ?? null,
    },
  };
}

function cpuOf(given: Fields['cpu']): VmHardware['cpu'] {
  if (given === undefined) return null;
  const { model, require, disable, sockets, cores, threads } = given;
  const isPlain = sockets === undefined && cores === undefined && threads === undefined;
  return {
    model:
      model === 'hostModel' || model === 'hostPassthrough' || model === 'maximum'
        ? { kind: model }
        : { kind: 'named', name: model },
    require,
    disable,
    topology: isPlain ? null : { sockets: sockets ?? 1, cores: cores ?? 1, threads: threads ?? 1 },
  };
}

function firmwareOf(given: Fields['firmware']): VmHardware['firmware'] {
  if (given === undefined || given === 'bios') return { kind: 'bios' };
  const efi = given === 'efi' ? { secureBoot: false, variables: undefined } : given.efi;
  return { kind: 'efi', secureBoot: efi.secureBoot, variables: efi.variables ?? null };
}

function clockOf(given: string | undefined): VmHardware['clock'] {
  if (given === undefined) return plainHardware.clock;
  return given === 'utc' || given === 'localtime'
    ? { kind: given }
    : { kind: 'timezone', name: given };
}
