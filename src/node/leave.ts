/** Ends the process now, in a worker the worker, whoever watches process.exit (test-file-exit.ts). */
export const leave: (code: number) => never = process.exit.bind(process);
