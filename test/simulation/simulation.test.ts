// A few seeds of the simulation, that they can be repeated, and that defects are found.
import { simulate } from 'sluice/testing';
import { describe, expect, it, vi } from 'vitest';
import { findingsOf, isEnough } from '#sluice/cli/simulate-report.js';
import { CANARIES, hunt } from '#sluice/testing/simulation/canaries/hunt.js';
import { exhaust } from '#sluice/testing/simulation/exhaustive.js';
import { NEVER_TAKEN, namesOf, SELDOM_TAKEN } from '#sluice/testing/simulation/untaken.js';
import { chartTransitions } from '#sluice/testing/system/transitions-taken.js';
import { numberFromEnvironment } from '../support/random.js';

vi.setConfig({ testTimeout: 60_000 });

/** The first seed; each run of `npm test` does the same. */
const SEED = numberFromEnvironment('SIMULATION_SEED', 1);
const SEEDS = numberFromEnvironment('SIMULATION_SEEDS', 10);
const OPERATIONS = numberFromEnvironment('SIMULATION_OPERATIONS', 40);

describe('a collection in a simulation', () => {
  const seeds = Array.from({ length: SEEDS }, (_, at) => SEED + at);

  it.each(seeds)('keeps its promises with seed %i', async (seed) => {
    const { failure, issued } = await simulate({ seed, operations: OPERATIONS });
    expect(failure).toBeUndefined();
    expect(issued).toBe(OPERATIONS);
  });

  it('does the same each time', async () => {
    const run = { seed: SEED + 3, operations: OPERATIONS };
    const first = await simulate(run);
    expect(await simulate(run)).toEqual(first);
    expect((await simulate({ ...run, seed: SEED + 4 })).hash).not.toBe(first.hash);
  });

  it('is not impressed by a power cut at any call of a script', async () => {
    const script = { seed: SEED, operations: 2, every: 30, mishaps: ['powerCut'] } as const;
    const { failures, calls, runs } = await exhaust(script);
    expect(failures).toEqual([]);
    expect(calls.powerCut).toBeGreaterThan(10);
    expect(runs).toBeGreaterThan(calls.powerCut);
  });
});

describe('a campaign', () => {
  const report = {
    ...{ seeds: 500, operations: 250_000, virtualHours: 1, seedsPerCpuMinute: 1, failed: [] },
    ...{ faults: {}, faultsMissing: ['hang'], traffic: {}, trafficMissing: ['reopened'] },
    transitions: { total: 3, missing: ['a on B: c'], seldom: ['d'], disproved: ['e'] },
  };

  it('lacks what was never reached, once it is long enough', () => {
    expect(isEnough(report)).toBe(true);
    expect(isEnough({ ...report, operations: 249_999 })).toBe(false);
    expect(findingsOf(report, true).join()).toMatch(
      /: e,.* hang .* reopened,never taken: a on B: c$/,
    );
    expect(findingsOf(report, false)).toHaveLength(1);
  });

  it('names no transition that is none', () => {
    const all = new Set(chartTransitions());
    const named = [...namesOf(NEVER_TAKEN), ...namesOf(SELDOM_TAKEN)];
    expect(named.filter((name) => !all.has(name))).toEqual([]);
    expect(new Set(named).size).toBe(named.length);
  });
});

describe('the simulation finds a defect', () => {
  // Two that are found by the first seeds; `npm run test:canaries` hunts all.
  const names = [
    'forgets the deletes under a proxy when a run is cancelled',
    'sweeps a block in use',
  ];

  it.each(CANARIES.filter(({ name }) => names.includes(name)))('$name', async (canary) => {
    const { seeds, rule } = await hunt(canary, { seedsMax: 20, operations: 40 });
    expect(rule).toBeDefined();
    expect(seeds).toBeGreaterThan(0);
  });
});
