// Makes the example data: every sixth film of a larger JSONL file, so that all years are there.
// node scripts/sample-movies.mjs all-movies.jsonl.gz examples/data/movies.jsonl.gz
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';

const [source, target] = process.argv.slice(2);
if (target === undefined) throw new Error('usage: sample-movies.mjs SOURCE TARGET');

const lines = gunzipSync(readFileSync(source)).toString().trimEnd().split('\n');
const sample = lines.filter((_, index) => index % 6 === 0);
writeFileSync(target, gzipSync(`${sample.join('\n')}\n`, { level: 9 }));
console.log(`${sample.length} of ${lines.length} films`);
