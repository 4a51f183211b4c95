// Builds dist/ from src/ and page/: compiles with tsc, assembles the WebAssembly text, makes the
// command executable, bundles the page.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';
import wabt from 'wabt';

rmSync('dist', { recursive: true, force: true });
const tsc = spawnSync(
  process.execPath,
  ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'],
  {
    stdio: 'inherit',
  },
);
if (tsc.status !== 0) process.exit(tsc.status ?? 1);

const { parseWat } = await wabt();
for (const file of readdirSync('src', { recursive: true })) {
  if (!file.endsWith('.wat')) continue;
  const { buffer } = parseWat(file, readFileSync(join('src', file), 'utf8'), {
    simd: true,
    threads: true,
  }).toBinary({});
  writeFileSync(join('dist', file.replace(/wat$/, 'wasm')), buffer);
}

if (existsSync('dist/cli/main.js')) chmodSync('dist/cli/main.js', 0o755);
await build({ configFile: 'vite.config.ts' });
