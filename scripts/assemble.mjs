// npm run assemble: turns WebAssembly text into the modules that are shipped. Each is text in a
// source file, so that nothing has to be read or fetched where it is used.
import { readFileSync, writeFileSync } from 'node:fs';
import wabt from 'wabt';

const FOLDER = new URL('../src/services/points/', import.meta.url);

const FEATURES = { simd: true, threads: true, bulk_memory: true };

/** The source files `…-code.ts` that are made, by the names of their `.wat`. */
export const MODULES = ['rough-scores', 'quantized-rows'];

/** The source file that holds a module. */
export async function assembled(name) {
  const text = readFileSync(new URL(`${name}.wat`, FOLDER), 'utf8');
  const { parseWat } = await wabt();
  const { buffer } = parseWat(`${name}.wat`, text, FEATURES).toBinary({});
  const lines =
    Buffer.from(buffer)
      .toString('base64')
      .match(/.{1,90}/g) ?? [];
  return [
    `/** The module of ${name}.wat, as \`npm run assemble\` makes it: base64. */`,
    `export const ${name.toUpperCase().replace('-', '_')}_CODE =`,
    ...lines.map((line, at) => `  '${line}'${at === lines.length - 1 ? ';' : ' +'}`),
    '',
  ].join('\n');
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  for (const name of MODULES)
    writeFileSync(new URL(`${name}-code.ts`, FOLDER), await assembled(name));
}
