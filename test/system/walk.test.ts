import { assertGood, chartTransitions, type Site, type WalkReport, walk } from 'sluice/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { numberFromEnvironment } from '../support/random.js';
import { withDirectory } from '../support/temporary.js';
import { NEVER_TAKEN, SELDOM_TAKEN, type Untaken } from './support/untaken.js';
import { onDisk, WalkedKv } from './support/walked-kv.js';

const SEED = numberFromEnvironment('SYSTEM_SEED', 1);
const STEPS = numberFromEnvironment('SYSTEM_STEPS', 5000);
/** Steps of one walk. */
const LENGTH = Math.min(STEPS, 500);
/** Walks at once: while one waits for the disk, another computes. */
const AT_ONCE = 5;
/** Walks beyond those that were asked for, while a transition is missing. */
const WALKS_MORE = 30;
const MINUTES = 60_000;
/** Each of these is to fail at least once. */
const CALLS: readonly Site[] = [
  'wal.open',
  'wal.append',
  'wal.sync',
  'wal.acknowledge',
  'wal.read',
  'segments.open',
  'capture.writeBlocks',
  'capture.commit',
  'run.copy',
  'run.index',
  'run.catchUp',
  'run.discard',
];

const namesOf = (untaken: readonly Untaken[]) => untaken.flatMap(({ names }) => names);
/** What walks need not take. */
const KNOWN: ReadonlySet<string> = new Set(namesOf([...NEVER_TAKEN, ...SELDOM_TAKEN]));

/** What nobody has asked for, of whichever walk. */
function watchStray(): { take: () => string[]; end: () => void } {
  let stray: string[] = [];
  const onRejection = (error: unknown) => stray.push(`unhandled: ${error}`);
  const onWarning = (warning: Error) => stray.push(`warning: ${warning.message}`);
  process.on('unhandledRejection', onRejection);
  process.on('warning', onWarning);
  return {
    take: () => {
      const taken = stray;
      stray = [];
      return taken;
    },
    end: () => {
      process.off('unhandledRejection', onRejection);
      process.off('warning', onWarning);
    },
  };
}

async function walkOne(seed: number, known: ReadonlySet<string>, stray: () => string[]) {
  return withDirectory(async (directory) => {
    const store = new WalkedKv(onDisk(directory));
    return walk(store, { seed, steps: LENGTH, stray, known }).finally(() => store.release());
  });
}

/**
 * Walks in rounds: those of a round make for what the rounds before have not taken. After the steps
 * that were asked for they go on until nothing is missing, or too many have been in vain.
 */
async function walkAll(): Promise<WalkReport[]> {
  const reports: WalkReport[] = [];
  const stray = watchStray();
  const atLeast = Math.ceil(STEPS / LENGTH);
  const atMost = STEPS < 5000 ? atLeast : atLeast + WALKS_MORE;
  try {
    while (
      reports.length < atLeast ||
      (reports.length < atMost &&
        missingOf(reports).length + unfailedIn(reports).length > 0 &&
        reports.every(isGood))
    ) {
      const taken = takenBy(reports);
      const known = taken.size === 0 ? taken : new Set([...taken, ...KNOWN]);
      const seeds = Array.from({ length: AT_ONCE }, (_, at) => SEED + reports.length + at);
      reports.push(...(await Promise.all(seeds.map((seed) => walkOne(seed, known, stray.take)))));
    }
  } finally {
    stray.end();
  }
  return reports;
}

const isGood = ({ violations }: WalkReport) => violations.length === 0;

function takenBy(reports: readonly WalkReport[]): Set<string> {
  return new Set(reports.flatMap(({ taken }) => [...taken]));
}

/** Transitions that nobody has taken and that no reason is known for. */
function missingOf(reports: readonly WalkReport[]): string[] {
  const taken = takenBy(reports);
  return chartTransitions().filter((name) => !taken.has(name) && !KNOWN.has(name));
}

/** Calls that no walk has let fail. */
function unfailedIn(reports: readonly WalkReport[]): string[] {
  const failed = reports.flatMap(({ steps }) =>
    steps.flatMap((step) => (step.step === 'open' && step.how === 'transient' ? [step.site] : [])),
  );
  return CALLS.filter((site) => !failed.includes(site));
}

describe('the core with all its workers, walked on LevelDB', () => {
  let reports: WalkReport[] = [];
  beforeAll(
    async () => {
      reports = await walkAll();
    },
    5 * MINUTES + STEPS * 100,
  );

  it('keeps every rule after every step, and comes to rest', () => {
    for (const report of reports) assertGood(report);
    const steps = reports.reduce((sum, report) => sum + report.steps.length, 0);
    expect(steps).toBeGreaterThanOrEqual(STEPS);
  });

  it.skipIf(STEPS < 5000)('gives every rule something to check', () => {
    const idle = [...(reports[0]?.checks.keys() ?? [])].filter(
      (rule) => !reports.some(({ checks }) => (checks.get(rule) ?? 0) > 0),
    );
    expect(reports[0]?.checks.size).toBeGreaterThan(15);
    expect(idle).toEqual([]);
  });

  it.skipIf(STEPS < 5000)(
    'takes every transition of the charts, or none for a known reason',
    () => {
      expect(missingOf(reports)).toEqual([]);
    },
  );

  it('takes no transition of which a reason says that nobody can', () => {
    const all = new Set(chartTransitions());
    const known = namesOf([...NEVER_TAKEN, ...SELDOM_TAKEN]);
    expect(known.filter((name) => !all.has(name))).toEqual([]);
    expect(new Set(known).size).toBe(known.length);
    const taken = takenBy(reports);
    expect(namesOf(NEVER_TAKEN).filter((name) => taken.has(name))).toEqual([]);
  });

  it.skipIf(STEPS < 5000)('fails each kind of call at least once', () => {
    expect(unfailedIn(reports)).toEqual([]);
  });
});

it('a walk is the same for the same seed, and can be gone again by its steps', async () => {
  const gone: WalkReport[] = [];
  for (const steps of [60, 60, undefined]) {
    const report = await withDirectory(async (directory) => {
      const store = new WalkedKv(onDisk(directory));
      const again = steps ?? gone[0]?.steps ?? [];
      return walk(store, { seed: SEED, steps: again }).finally(() => store.release());
    });
    gone.push(report);
  }
  expect(gone[1]).toEqual(gone[0]);
  expect(gone[2]?.steps).toEqual(gone[0]?.steps);
  expect([...(gone[2]?.taken ?? [])].sort()).toEqual([...(gone[0]?.taken ?? [])].sort());
});
