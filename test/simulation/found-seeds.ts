/** Runs that showed a defect of the product once; each has a plain test of its own as well. */
export const FOUND_SEEDS: readonly { what: string; seed: number; operations: number }[] = [];
