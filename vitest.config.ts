import { defineConfig } from 'vitest/config';

// Tests import the built package (`sluice`, `#sluice/…`), because worker threads load built files:
// what is tested is what is shipped.
export default defineConfig({
  test: {
    // All cores: the tests wait for the disk as much as they compute.
    maxWorkers: '100%',
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
