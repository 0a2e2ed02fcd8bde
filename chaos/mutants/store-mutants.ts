import type { Mutant } from './mutant.ts';

/** Defects in the stores: what is on the disk when it is said to be, and what a watch shows. */
export const storeMutants: readonly Mutant[] = [
  {
    name: 'log-sync-error-ignored',
    summary: 'a failed sync of the log is taken for a good one',
    edits: [
      {
        file: 'src/store/log/log-error.ts',
        find: '    await file.datasync();\n  } catch (error) {\n    throw new SyncFailed(error);',
        replace:
          '    await file.datasync();\n  } catch (error) {\n    if (error === null) throw new SyncFailed(error);',
      },
    ],
    expected: ['consensus', 'liveness'],
    maxSeeds: 300,
    profile: 'disks',
  },
  {
    name: 'log-answers-before-sync',
    summary: 'a write is acknowledged when it is written, not when it is synced',
    edits: [
      {
        file: 'src/store/log/segmented-log.ts',
        find: '        await current.file.write(current.offset, bytes);\n        await syncFile(current.file);',
        replace: '        await current.file.write(current.offset, bytes);',
      },
    ],
    expected: ['consensus', 'liveness'],
    maxSeeds: 100,
    profile: 'disks',
  },
  {
    name: 'log-no-directory-sync',
    summary: 'a new segment is renamed into place and the directory is not synced',
    edits: [
      {
        file: 'src/store/log/segment-file.ts',
        find: '    await disk.rename(temporary, path);\n    await syncDirectory(disk, directory);',
        replace:
          '    await disk.rename(temporary, path);\n    if (path === "") await syncDirectory(disk, directory);',
      },
    ],
    expected: ['consensus', 'liveness'],
    maxSeeds: 300,
    profile: 'disks',
  },
  {
    name: 'log-damage-skipped',
    summary: 'everything behind a damaged record is cut off as if it had been torn',
    edits: [
      {
        file: 'src/store/log/scan.ts',
        find: 'const later = laterBatch(bytes, at);',
        replace: 'const later = laterBatch(bytes, bytes.length);',
      },
    ],
    expected: ['consensus', 'liveness'],
    maxSeeds: 600,
    profile: 'disks',
  },
  {
    name: 'watch-skips-a-revision',
    summary: 'a watch that is resumed begins one revision too late',
    edits: [
      {
        file: 'src/store/watch-hub.ts',
        find: 'next: from + 1,',
        replace: 'next: from + 2,',
      },
    ],
    expected: ['watches'],
    maxSeeds: 50,
    profile: null,
  },
  {
    name: 'watch-overflow-silent',
    summary: 'a watch that was away for too long goes on with what is left, and does not say so',
    edits: [
      {
        file: 'src/store/watch-hub.ts',
        find: "        this.#end(watcher, { kind: 'compacted', revision: machine.compactedRevision });\n        return;",
        replace: '        watcher.next = machine.compactedRevision + 1;\n        continue;',
      },
    ],
    expected: ['watches'],
    maxSeeds: 50,
    profile: null,
  },
];
