import type { DiskSource, VmDisk } from '../core/model/vm.ts';

type SourceOf<K extends DiskSource['kind']> = Omit<Extract<DiskSource, { kind: K }>, 'kind'>;

/** Where a disk is, as a VM file says it: one of the fields. */
export interface FileDiskSource {
  readonly nbd?: SourceOf<'nbd'>;
  readonly rbd?: SourceOf<'rbd'>;
  readonly iscsi?: SourceOf<'iscsi'>;
  readonly sharedFile?: string;
  readonly local?: string;
}

export interface FileDisk extends FileDiskSource {
  readonly format: VmDisk['format'];
  readonly bus: VmDisk['bus'];
  readonly readOnly?: true;
}

export type FileAttachment = { readonly bridge: string } | { readonly network: string };
export type FileInterface = FileAttachment & { readonly mac?: string; readonly model: string };

export interface FileCpu {
  readonly model?: string;
  readonly require?: readonly string[];
  readonly disable?: readonly string[];
  readonly sockets?: number;
  readonly cores?: number;
  readonly threads?: number;
}

/** One document of a VM file (docs/vm-spec.md), as `kennel vm create -f` takes it. */
export interface VmFile {
  readonly name: string;
  readonly id?: string;
  readonly desired: 'running' | 'stopped' | 'disabled';
  readonly cpus: number;
  /** `512MiB`. */
  readonly memory: string;
  readonly priority?: 'high' | 'medium' | 'low';
  readonly nodes?: readonly string[];
  readonly separateFrom?: readonly string[];
  readonly limits?: { readonly restarts: number; readonly relocations: number };
  readonly disks: readonly FileDisk[];
  readonly interfaces: readonly FileInterface[];
  readonly machine: string;
  readonly cpu?: FileCpu;
  readonly firmware?: 'bios' | { readonly efi: { readonly secureBoot: boolean } };
  readonly hugepages?: '2MiB' | '1GiB';
  readonly clock?: string;
  readonly graphics: 'none' | 'vnc';
  readonly watchdog?: {
    readonly model: 'i6300esb';
    readonly action: 'reset' | 'poweroff';
  };
  readonly tpm?: true;
  readonly overlay?: string;
}
