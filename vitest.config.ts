import { defineConfig } from 'vitest/config';

// Tests import the built package (`sluice`, `#sluice/…`), because worker threads load built files:
// what is tested is what is shipped.
const common = { testTimeout: 20_000, hookTimeout: 20_000 };
/** Files that put something else in a module's place; they get a process of their own. */
const mocking = [
  'test/collection/{durability,interrupted-optimization,model,optimization,trigger}.test.ts',
];

/** Programmes that take long, by `npm run test:crash`; smoke.test.ts has a little of each. */
const crashes = [
  'test/crash/*-crash.test.ts',
  'test/crash/{index-build-kill,faults,damage}.test.ts',
];

/** What takes longer than the rest, by `npm run test:long`. */
const long = [
  'test/{system/walk,cli/graph,crash/smoke,testing/kit/handler-suite,examples/kv-store}.test.ts',
  'test/{vector-index/build,vector-index/search,level/last-endings}.test.ts',
  'test/collection/{flood,snapshot,snapshot-kill}.test.ts',
];

/** What needs a browser, by `npm run test:page`. */
const browsing = ['test/page/*.test.ts'];

export default defineConfig({
  test: {
    // All cores: the tests wait for the disk as much as they compute.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          ...common,
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: [...mocking, ...crashes, ...long, ...browsing],
          isolate: false,
        },
      },
      { test: { ...common, name: 'isolated', include: mocking } },
      { test: { ...common, name: 'long', include: long, isolate: false } },
      { test: { ...common, name: 'page', include: browsing } },
      {
        test: { ...common, name: 'crash', include: crashes, isolate: false, testTimeout: 300_000 },
      },
    ],
  },
});
