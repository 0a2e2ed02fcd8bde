import { flushCompileCache } from 'node:module';
import { work } from './worker.ts';
import type { WorkerJob, WorkerMessage } from './worker.ts';

/* The other end of `campaign.ts`: a process of its own that is sent one job. */

function tell(message: WorkerMessage): void {
  process.send?.(message);
}

// Whoever sent the job is gone, and with it the use of this process.
process.once('disconnect', () => process.exit());

process.once('message', (job: WorkerJob) => {
  // Now, because a worker that found what it was to find is killed and writes nothing at its end.
  flushCompileCache();
  work(job, tell).then(
    () => process.disconnect(),
    (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
      process.disconnect();
    },
  );
});
