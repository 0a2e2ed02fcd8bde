import { z } from 'zod';
import { absolutePathSchema } from './primitives.ts';

const cpuFeature = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'must be a CPU feature of libvirt');
const count = z.int().min(1).max(1024);

const cpuSchema = z.strictObject({
  model: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('hostModel') }),
    z.strictObject({ kind: z.literal('hostPassthrough') }),
    z.strictObject({ kind: z.literal('maximum') }),
    z.strictObject({
      kind: z.literal('named'),
      name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'must be a CPU model of libvirt'),
    }),
  ]),
  require: z.array(cpuFeature).max(64).readonly(),
  disable: z.array(cpuFeature).max(64).readonly(),
  topology: z.strictObject({ sockets: count, cores: count, threads: count }).nullable(),
});

const firmwareSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('bios') }),
  z.strictObject({
    kind: z.literal('efi'),
    secureBoot: z.boolean(),
    variables: absolutePathSchema.nullable(),
  }),
]);

const clockSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('utc') }),
  z.strictObject({ kind: z.literal('localtime') }),
  z.strictObject({
    kind: z.literal('timezone'),
    name: z
      .string()
      .regex(/^[A-Za-z0-9_+/-]{1,64}$/, 'must be a time zone, for example Europe/Berlin'),
  }),
]);

/** `0000:03:00.0`: domain, bus, slot and function of a PCI device. */
export const pciAddressSchema = z
  .string()
  .regex(/^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/, 'must be a PCI address: 0000:03:00.0');

/** `VmHardware` of the core, as it is stored and transmitted. */
export const vmHardwareSchema = z.strictObject({
  cpu: cpuSchema.nullable(),
  firmware: firmwareSchema,
  hugepageKiB: z.union([z.literal(2048), z.literal(1_048_576)]).nullable(),
  clock: clockSchema,
  graphics: z.enum(['none', 'vnc']),
  watchdog: z
    .strictObject({
      model: z.enum(['i6300esb', 'ib700']),
      action: z.enum(['reset', 'poweroff', 'pause', 'injectNmi']),
    })
    .nullable(),
  tpm: z.boolean(),
  hostDevices: z.array(pciAddressSchema).max(32).readonly(),
  overlay: z
    .string()
    .max(256 * 1024)
    .nullable(),
});
