// npm run assemble: turns the WebAssembly text of the rough scores into the module that is shipped.
// It is text in a source file, so that nothing has to be read or fetched where it is used.
import { readFileSync, writeFileSync } from 'node:fs';
import wabt from 'wabt';

const FOLDER = new URL('../src/services/points/', import.meta.url);

/** The source file that holds the module. */
export async function assembled() {
  const text = readFileSync(new URL('rough-scores.wat', FOLDER), 'utf8');
  const { parseWat } = await wabt();
  const { buffer } = parseWat('rough-scores.wat', text, { simd: true, threads: true }).toBinary({});
  const lines =
    Buffer.from(buffer)
      .toString('base64')
      .match(/.{1,90}/g) ?? [];
  return [
    '/** The module of rough-scores.wat, as `npm run assemble` makes it: base64. */',
    'export const ROUGH_SCORES_CODE =',
    ...lines.map((line, at) => `  '${line}'${at === lines.length - 1 ? ';' : ' +'}`),
    '',
  ].join('\n');
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  writeFileSync(new URL('rough-scores-code.ts', FOLDER), await assembled());
}
