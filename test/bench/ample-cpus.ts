import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';

/**
 * Loaded before an agent of the bench: lets its node promise more vCPUs than this machine has. A VM
 * here is a sleeping process and needs none; without this a machine of 2 CPUs would take 16.
 */
os.availableParallelism = () => 1024;
syncBuiltinESMExports();
