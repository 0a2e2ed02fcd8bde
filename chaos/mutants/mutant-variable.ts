/** Names the mutant that a worker process is to have. */
export const mutantVariable = 'KENNEL_CHAOS_MUTANT';
