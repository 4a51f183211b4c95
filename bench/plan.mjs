// What is measured, against what, and what is aimed at.

/** Points of the whole form, of `--quick`, and of `--smoke`, which only sees that it works. */
export const SIZES = {
  full: { points: 100_000, queries: 1000, repetitions: 3, growth: 1_000_000, singles: 4000 },
  quick: { points: 40_000, queries: 300, repetitions: 1, growth: 100_000, singles: 1000 },
  smoke: { points: 2000, queries: 20, repetitions: 1, growth: 10_000, singles: 50 },
};

const ALL_RIVALS = ['sqlite-vec', 'zvec', 'lancedb'];

/** Scenarios of a few seconds, whose figures lie close to what is aimed at. */
const TURNS = { actors: 3 };

/**
 * Each is run once a repetition for each subject, in turn, each time in a process of its own, or as
 * often as it has `turns`; that of films if there are settings for it.
 */
export function scenarios({ points, growth, singles }, films) {
  const settings = { points };
  const stores = ['sluice', ...ALL_RIVALS, 'hnswlib', 'usearch'];
  const all = [
    ['durable', 'ingest', ['sluice', 'level', ...ALL_RIVALS], settings],
    ['durable8', 'ingest', ['sluice', 'level'], { ...settings, callers: 8 }],
    ['loose', 'ingest', ['sluice', ...ALL_RIVALS], { ...settings, durable: false }],
    ['single', 'singles', ['sluice', 'level'], { operations: singles, callers: 1 }],
    ['single64', 'singles', ['sluice', 'level'], { operations: singles * 8, callers: 64 }],
    ['actors', 'actors', ['sluice', 'plainLoop'], settings],
    ['life', 'life', stores, settings],
    ['films', 'life', stores, films],
    ['recovery', 'recovery', ['sluice', 'level'], { points: points / 2 }],
    ['flood', 'flood', ['sluice'], { points: points * 2 }],
    ['growth', 'growth', ['sluice'], { points: growth }],
  ];
  return all
    .filter(([, , , given]) => given !== undefined)
    .map(([name, scenario, subjects, given]) => {
      return { name, scenario, subjects, settings: given, turns: TURNS[name] ?? 1 };
    });
}

/**
 * The rows of the report: a figure of Sluice over the best of the references, or without any, the
 * figure itself. `less`: a smaller figure is better, and so is a smaller ratio.
 */
export const ROWS = [
  row('durable ingest, batches of 100', 'durable.rate', ['level'], '≥ 0.70'),
  row('the same, 8 callers', 'durable8.rate', ['level'], '≥ 0.80'),
  row('durable ingest, batches of 100', 'durable.rate', ALL_RIVALS, '≥ 2.0'),
  row('durable single upserts', 'single.rate', ['level'], '≥ 0.85'),
  row('durable single upserts, 64 callers', 'single64.rate', ['level'], '≥ 0.70'),
  row('ingest without waiting, batches of 100', 'loose.rate', ALL_RIVALS, '≥ 2.5'),
  row('ingest through the actors', 'actors.rate', ['plainLoop'], '≥ 0.95'),
  row('HNSW build', 'life.buildRate', ['zvec', 'usearch', 'hnswlib', 'lancedb'], '≥ 1.0'),
  row('search, recall ≥ 0.95, with payload', 'life.searchRate', ['zvec'], '≥ 2.0'),
  row('the same, the bare library with ids only', 'life.searchRate', ['usearch'], '≥ 0.85'),
  row('exact search', 'life.exactRate', ['sqlite-vec'], '≥ 10'),
  row('filtered search, 2 % match', 'life.filteredRate', ALL_RIVALS, '≥ 2.0'),
  row(
    'films: made ready for searches',
    'films.buildRate',
    ['zvec', 'usearch', 'hnswlib', 'lancedb'],
    '≥ 1.0',
  ),
  row('films: search, with payload', 'films.searchRate', ['zvec'], '≥ 2.0'),
  row('films: exact search', 'films.exactRate', ['sqlite-vec'], '≥ 10'),
  row('films: filtered search', 'films.filteredRate', ALL_RIVALS, '≥ 2.0'),
  row('search p99 while ingesting', 'life.mixedP99Ms', ['zvec'], '≤ 0.5'),
  row('ingest while searching', 'life.mixedIngestRate', ['zvec'], '≥ 1.0'),
  row('overwrite 20 %', 'life.overwriteRate', ALL_RIVALS, '≥ 1.0'),
  row('delete 20 %', 'life.deleteRate', ALL_RIVALS, '≥ 1.0'),
  row('compaction, seconds', 'life.compactSeconds', ['zvec'], '≤ 1.0'),
  row('open to first search, ms', 'life.openToFirstSearchMs', ['zvec', 'lancedb'], '≤ 1.0'),
  row('recovery of unflushed points', 'recovery.rate', ['level'], '≥ 0.3'),
  row('peak memory, MiB', 'life.peakMib', ['zvec'], '≤ 1.25'),
  row('disk, bytes a point', 'life.diskBytesPerPoint', ['rawBytes'], '≤ 1.25'),
  row('longest gap of the event loop: ingest, ms', 'durable.gapMs', [], '≤ 20'),
  row('the same: build and swap, ms', 'life.buildGapMs', [], '≤ 20'),
  row('the same: compaction, ms', 'life.compactGapMs', [], '≤ 20'),
  row('cost of a point: last tenth to first', 'growth.costRatio', [], '≤ 1.25'),
  row('flood of 1,000 callers: refused', 'flood.rejected', [], '≤ 0'),
  row('the same: queue, MiB', 'flood.queueMib', [], '≤ 64'),
];

function row(work, figure, references, target) {
  const [scenario, metric] = figure.split('.');
  return { work, scenario, metric, references, target, less: target.startsWith('≤') };
}

/**
 * Bytes a point has in any case: its vector, its payload as JSON, and its links in the graph, of
 * which the lowest layer has 2 m of 4 bytes each.
 */
export function rawBytesPerPoint(dimensions, payloadBytes, m = 16) {
  return dimensions * 4 + payloadBytes + 2 * m * 4;
}
