import { defineConfig } from 'vite';

/** The page of `sluice inspect`, as files that the package brings along. */
export default defineConfig({
  root: 'page',
  base: './',
  logLevel: 'warn',
  build: {
    outDir: '../dist/inspect/page',
    emptyOutDir: true,
    // Graphviz, as WebAssembly within its script, is over a megabyte.
    chunkSizeWarningLimit: 2000,
    modulePreload: false,
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
});
