// The report as pictures: npm ci --prefix bench/report installs what draws them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const WIDTH = 420;
const STEP = 18;

/** Pictures of figures that are rates of the same work by several subjects: more is better. */
const RATES = {
  'durable.rate': 'durable ingest, batches of 100, points a second',
  'loose.rate': 'ingest without waiting, batches of 100, points a second',
  'life.searchRate': 'searches a second, recall at least 0.95',
  'life.filteredRate': 'filtered searches a second, 2 % of the points match',
  'life.exactRate': 'exact searches a second',
  'life.buildRate': 'points a second indexed on two threads',
};

/** Writes an SVG for each kind of work and one with all ratios into a directory. */
export async function writePlots(results, directory) {
  mkdirSync(directory, { recursive: true });
  for (const [figure, title] of Object.entries(RATES)) {
    const rows = results.filter((result) => result.figure === figure);
    if (rows.length === 0) continue;
    await write(directory, figure.replace('.', '-'), ratesChart(title, subjectsOf(rows)));
  }
  const ratios = results.filter(({ ratio }) => ratio !== undefined && ratio > 0);
  await write(directory, 'ratios', ratiosChart(ratios));
}

/** Each subject once, with its median and its spread. */
function subjectsOf(rows) {
  const figures = new Map(rows.map(({ sluice }) => ['Sluice', sluice]));
  for (const { others } of rows) {
    for (const { subject, ...figure } of others) figures.set(subject, figure);
  }
  return [...figures].map(([subject, figure]) => ({ subject, ...figure }));
}

function ratesChart(title, values) {
  return {
    ...frame(title, values),
    encoding: {
      y: {
        field: 'subject',
        type: 'nominal',
        sort: { field: 'median', order: 'descending' },
        title: null,
      },
    },
    layer: [
      {
        mark: { type: 'bar', height: { band: 0.7 } },
        encoding: {
          x: { field: 'median', type: 'quantitative', title: null },
          color: colour("datum.subject === 'Sluice'"),
        },
      },
      {
        mark: { type: 'rule' },
        encoding: { x: { field: 'least', type: 'quantitative' }, x2: { field: 'most' } },
      },
    ],
  };
}

/** How many times as good as aimed at: 1 is the aim, to the right is better. */
function ratiosChart(results) {
  const values = results.map(({ work, reference, ratio, target, less }) => {
    const aim = Number(target.split(' ')[1]);
    const share = less ? aim / ratio : ratio / aim;
    return { work: `${work} ÷ ${reference.subject}`, share };
  });
  const x = {
    field: 'share',
    type: 'quantitative',
    scale: { type: 'log' },
    title: 'times the aim',
  };
  return {
    ...frame('what was reached of what was aimed at', values),
    layer: [
      {
        mark: { type: 'point', filled: true, size: 60 },
        encoding: {
          y: { field: 'work', type: 'nominal', sort: null, title: null },
          x,
          color: colour('datum.share >= 1'),
        },
      },
      { mark: { type: 'rule', strokeDash: [4, 3] }, encoding: { x: { datum: 1 } } },
    ],
  };
}

function frame(title, values) {
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: title, anchor: 'start', fontSize: 12 },
    width: WIDTH,
    height: { step: STEP },
    background: 'white',
    data: { values },
    config: { view: { stroke: null }, axis: { labelLimit: 420 } },
  };
}

const colour = (test) => ({
  condition: { test, value: '#1f6f8b' },
  value: '#b8c4cc',
});

async function write(directory, name, chart) {
  const { compile } = await import('vega-lite');
  const vega = await import('vega');
  const view = new vega.View(vega.parse(compile(chart).spec), { renderer: 'none' });
  writeFileSync(join(directory, `${name}.svg`), `${await view.toSVG()}\n`);
}
