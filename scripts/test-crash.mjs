// Runs the programmes of test/crash and prints their figures. Without arguments: everything once,
// 300 images, 200 kills, every failing call and every damage. `--short`: a part of it, for
// continuous integration. `--minutes M`: for about so long, with one seed after the other.
// CRASH_SEED and the amounts below can be set in the environment.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const FORMS = {
  whole: {
    CRASH_IMAGES: 300,
    CRASH_ROUNDS: 200,
    CRASH_BUILD_ROUNDS: 20,
    CRASH_TERMINATIONS: 40,
    CRASH_FAULTS: 0,
    CRASH_DAMAGES: 0,
  },
  short: {
    CRASH_IMAGES: 60,
    CRASH_ROUNDS: 12,
    CRASH_BUILD_ROUNDS: 5,
    CRASH_TERMINATIONS: 3,
    CRASH_FAULTS: 1,
    CRASH_DAMAGES: 150,
  },
  timed: {
    CRASH_IMAGES: 100,
    CRASH_ROUNDS: 20,
    CRASH_BUILD_ROUNDS: 5,
    CRASH_TERMINATIONS: 6,
    CRASH_FAULTS: 1,
    CRASH_DAMAGES: 200,
  },
};

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, short: { type: 'boolean', default: false } },
});
const { minutes, short } = values;
if (minutes !== undefined && !/^[1-9]\d*$/.test(minutes)) {
  throw new TypeError(`--minutes takes a whole number, not ${minutes}`);
}
const isTimed = minutes !== undefined;
const amounts = isTimed
  ? { ...FORMS.timed, CRASH_MINUTES: Number(minutes) }
  : short
    ? FORMS.short
    : FORMS.whole;

const directory = mkdtempSync(join(tmpdir(), 'sluice-crash-'));
const figures = join(directory, 'figures');
writeFileSync(figures, '');
// In a run by time each programme has its share of the minutes, one after the other.
const flags = isTimed ? ['--no-file-parallelism'] : [];
const { status } = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', '--project', 'crash', ...flags],
  {
    stdio: 'inherit',
    env: {
      ...Object.fromEntries(Object.entries(amounts).map(([key, value]) => [key, String(value)])),
      ...process.env,
      CRASH_FIGURES: figures,
    },
  },
);
process.stdout.write(`\n${readFileSync(figures, 'utf8')}`);
rmSync(directory, { recursive: true });
process.exit(status ?? 1);
