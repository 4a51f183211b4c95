// npm run bench [-- --quick | --smoke] [--only NAMES] [--repetitions N] [--points N]
//   [--films FILE] [--json FILE] [--plots DIR]
// Measures Sluice beside its rivals and beside what the machine can do. Every figure comes from a
// process of its own; the subjects of a row take turns, so that a busy machine strikes them alike.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { countOfFilms, dataset, pointOf } from './data/dataset.mjs';
import { ROWS, rawBytesPerPoint, SIZES, scenarios } from './plan.mjs';
import { resultsOf } from './report/results.mjs';
import { tableOf } from './report/table.mjs';
import { missing, SUBJECTS } from './subjects.mjs';

const TIME_LIMIT_MS = 20 * 60_000;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
    only: { type: 'string' },
    repetitions: { type: 'string' },
    points: { type: 'string' },
    films: { type: 'string' },
    json: { type: 'string' },
    plots: { type: 'string' },
  },
});
const form = options.smoke ? 'smoke' : options.quick ? 'quick' : 'full';
const size = { ...SIZES[form], points: numberOf('points', SIZES[form].queries) };
const repetitions = numberOf('repetitions', 1);
const only = options.only?.split(',');
const print = (line) => process.stdout.write(`${line}\n`);
const tell = (line) => process.stderr.write(`${line}\n`);

const data = { points: size.points, queries: size.queries };
tell(`making ${size.points} points`);
const source = dataset(data);

const absent = new Map();
for (const name of Object.keys(SUBJECTS)) {
  const why = await missing(name);
  if (why === undefined) continue;
  absent.set(name, why);
  print(`${SUBJECTS[name].title} is left out: ${why}`);
}

const measured = [];
const failures = [];
for (const { name, scenario, subjects, settings, turns } of scenarios(size, filmSettings())) {
  if (only !== undefined && !only.includes(name)) continue;
  const times = repetitions * turns;
  for (let repetition = 0; repetition < times; repetition += 1) {
    for (const subject of subjects) {
      if (absent.has(subject)) continue;
      tell(`${name} ${repetition + 1}/${times}: ${subject}`);
      const figures = measure({ scenario, subject, settings: { data, ...settings } });
      if (figures !== undefined) measured.push({ name, subject, repetition, figures });
    }
  }
}
const payload = Buffer.byteLength(JSON.stringify(pointOf(source, 0).payload));
const diskBytesPerPoint = rawBytesPerPoint(source.dimensions, payload);
for (let repetition = 0; repetition < repetitions; repetition += 1) {
  measured.push({ name: 'life', subject: 'rawBytes', repetition, figures: { diskBytesPerPoint } });
}

const results = resultsOf(ROWS, measured);
print(tableOf(results));
print(
  `${form} form: ${size.points} points of ${source.dimensions} dimensions, ${repetitions} repetitions`,
);
const machine = {
  processors: cpus().length,
  model: cpus()[0]?.model,
  memoryMib: Math.round(totalmem() / 2 ** 20),
  node: process.version,
};
if (options.json) {
  const file = { form, size, repetitions, machine, absent: [...absent], results, measured };
  writeFileSync(options.json, `${JSON.stringify(file, null, 1)}\n`);
}
if (options.plots) await (await import('./report/plots.mjs')).writePlots(results, options.plots);
for (const failure of failures) print(failure);
process.exitCode = failures.length > 0 ? 1 : 0;

/** What an option says, or else what the form says. */
function numberOf(name, least) {
  const number = Number(options[name] ?? SIZES[form][name]);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new TypeError(`--${name} must be a whole number, at least ${least}: ${options[name]}`);
}

/** The quick form has no time for them. */
function filmSettings() {
  if (options.quick) return undefined;
  const films =
    options.films ?? new URL('../examples/data/movies.jsonl.gz', import.meta.url).pathname;
  const { queries } = size;
  return { points: countOfFilms(films, queries), data: { films, queries } };
}

function measure(job) {
  const script = new URL('./run-scenario.mjs', import.meta.url).pathname;
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [script, JSON.stringify(job)],
    { encoding: 'utf8', timeout: TIME_LIMIT_MS, maxBuffer: 2 ** 28 },
  );
  if (status === 0) return JSON.parse(stdout.trim().split('\n').at(-1));
  const end = stderr.trim().split('\n').slice(-12).join('\n');
  const failure = `${job.scenario} of ${job.subject} failed (${status ?? signal}): ${end}`;
  tell(failure);
  failures.push(failure);
  return undefined;
}
