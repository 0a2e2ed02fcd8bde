import { describe, expect, it } from 'vitest';
import { parseVmFile } from './parse-vm-file.ts';
import { specProblemLines } from './spec-problem.ts';

const head = 'name: db-1\ncpus: 4\nmemory: 1GiB\n';

async function read(fields: string) {
  const parsed = await parseVmFile(head + fields, { sharedPaths: [] });
  if (parsed.kind === 'invalid') return specProblemLines('f', parsed.problems);
  const [vm] = parsed.value;
  const definition = vm?.body.spec.definition;
  return {
    hardware: definition?.kind === 'typed' ? definition.hardware : null,
    notes: vm?.notes ?? [],
  };
}

describe('the hardware of a VM file', () => {
  it('a file that asks for none has a plain machine', async () => {
    expect(await read('')).toEqual({ hardware: undefined, notes: [] });
  });

  it('every field of the documented form arrives', async () => {
    expect(
      await read(`cpu: { model: Skylake-Server-v4, require: [aes], disable: [vmx], sockets: 1, cores: 2, threads: 2 }
firmware: { efi: { secureBoot: true, variables: /srv/nvram/db-1.fd } }
hugepages: 1GiB
clock: Europe/Berlin
graphics: vnc
watchdog: { action: poweroff }
tpm: false
overlay: |
  <domain><devices><sound model='ich9'/></devices></domain>
`),
    ).toEqual({
      hardware: {
        cpu: {
          model: { kind: 'named', name: 'Skylake-Server-v4' },
          require: ['aes'],
          disable: ['vmx'],
          topology: { sockets: 1, cores: 2, threads: 2 },
        },
        firmware: { kind: 'efi', secureBoot: true, variables: '/srv/nvram/db-1.fd' },
        hugepageKiB: 1_048_576,
        clock: { kind: 'timezone', name: 'Europe/Berlin' },
        graphics: 'vnc',
        watchdog: { model: 'i6300esb', action: 'poweroff' },
        tpm: false,
        hostDevices: [],
        overlay: "<domain><devices><sound model='ich9'/></devices></domain>\n",
      },
      notes: [],
    });
  });

  it('what does not come along to another node is said when it is written', async () => {
    const read1 = await read(
      'cpu: { model: hostPassthrough }\nfirmware: efi\ntpm: true\nhostDevices: ["0000:03:00.0"]\n',
    );
    expect(read1).toMatchObject({
      notes: [
        expect.stringContaining('db-1: device 0000:03:00.0'),
        expect.stringContaining('TPM'),
        expect.stringContaining('EFI variables'),
        expect.stringContaining('processor'),
      ],
    });
  });

  it.each([
    ['cpu: { cores: 3 }', '3 cores of 1 threads are 3 CPUs, not 4'],
    ['cpu: { model: "" }', 'cpu.model'],
    ['cpu: { require: ["a b"] }', 'must be a CPU feature'],
    ['cpu: 4', 'a group of fields'],
    ['firmware: uefi', 'must be bios, efi, or efi'],
    ['hugepages: 2GiB', 'is not one of 2MiB, 1GiB'],
    ['clock: "Europe Berlin"', 'must be a time zone'],
    ['hostDevices: ["03:00.0"]', 'must be a PCI address'],
    ['watchdog: { action: reboot }', 'is not one of reset, poweroff'],
    ['overlay: <network/>', 'a VM is a <domain>'],
    ['overlay: "<domain><uuid>x</uuid></domain>"', 'has <uuid>'],
    ['overlay: "<domain><on_crash>restart</on_crash></domain>"', 'has <on_crash>'],
    [
      'overlay: "<domain><devices><disk type=\'file\'/></devices></domain>"',
      'no two VMs share them',
    ],
    ['overlay: "<domain"', 'not well-formed'],
    ['uefi: true', 'it is called firmware'],
    ['cpu: { core: 4 }', 'it is called cores'],
    ['watchdog: { device: x }', 'known are model, action'],
  ])('refuses %s', async (fields, because) => {
    expect(await read(fields)).toEqual([expect.stringContaining(because)]);
  });
});
