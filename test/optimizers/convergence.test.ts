import fc from 'fast-check';
import type { HnswGraphOptions } from 'sluice';
import { expect, test } from 'vitest';
import { configMismatchOptimizer } from '#sluice/services/optimizers/config-mismatch.js';
import { indexingOptimizer } from '#sluice/services/optimizers/indexing.js';
import { mergeOptimizer } from '#sluice/services/optimizers/merge.js';
import { vacuumOptimizer } from '#sluice/services/optimizers/vacuum.js';
import { type Planned, plan } from '#sluice/services/planner.js';

const ROW_BYTES = 16;

interface Segment {
  id: number;
  points: number;
  rows: number;
  deleted: number;
  vectorBytes: number;
  indexed: boolean;
  hnsw: HnswGraphOptions | null;
  appendable: boolean;
}

const WANTED = { m: 16, efConstruct: 100 };
const STALE = { m: 8, efConstruct: 100 };

interface Configuration {
  segmentNumber: number;
  maxSegmentSizeBytes: number;
  deletedThreshold: number;
  vacuumMinVectorNumber: number;
  /** Outputs of at least this size get an index, which makes them read-only. */
  indexingThresholdBytes: number;
}

/** What a store does with a plan, as far as sizes go. */
class Simulator {
  segments: Segment[] = [];
  #nextId = 1;
  readonly #configuration: Configuration;

  constructor(configuration: Configuration) {
    this.#configuration = configuration;
  }

  add(points: number, deleted: number, hnsw: HnswGraphOptions | null): void {
    const shape = { points, deleted, rows: points + deleted, vectorBytes: points * ROW_BYTES };
    const indexed = hnsw !== null;
    this.segments.push({ id: this.#nextId++, ...shape, indexed, hnsw, appendable: !indexed });
  }

  plan(): Planned[] {
    const begin = () => undefined;
    const thresholds = () => this.#configuration;
    const optimizers = [
      mergeOptimizer<Segment>({ thresholds, begin }),
      indexingOptimizer<Segment>({ thresholds, begin }),
      vacuumOptimizer<Segment>({ thresholds, begin }),
      configMismatchOptimizer<Segment>({ wanted: () => WANTED, begin }),
    ];
    return plan(this.segments, new Set(), optimizers);
  }

  /** All runs of a plan at the same time: all freeze first, then each puts its output in place. */
  run(planned: readonly Planned[]): void {
    const frozen = new Set(planned.flatMap(({ segmentIds }) => segmentIds));
    const sources = planned.map(({ segmentIds }) =>
      this.segments.filter(({ id }) => segmentIds.includes(id)),
    );
    this.segments = this.segments.filter(({ id }) => !frozen.has(id));
    let extraId: number | undefined;
    if (!this.segments.some(({ appendable }) => appendable)) {
      extraId = this.#nextId;
      this.add(0, 0, null);
    }
    for (const run of sources) {
      const points = run.reduce((sum, segment) => sum + segment.points, 0);
      const isLarge =
        points > 0 && points * ROW_BYTES >= this.#configuration.indexingThresholdBytes;
      this.add(points, 0, isLarge ? WANTED : null);
    }
    const others = this.segments.filter(({ id }) => id !== extraId);
    if (others.some(({ appendable }) => appendable)) this.segments = others;
  }

  ensureCapacity(): void {
    const { maxSegmentSizeBytes } = this.#configuration;
    const room = this.segments.some(
      ({ appendable, vectorBytes }) => appendable && vectorBytes < maxSegmentSizeBytes,
    );
    if (!room) this.add(0, 0, null);
  }
}

const segment = fc.tuple(
  fc.oneof(fc.constant(0), fc.nat(100)),
  fc.oneof(fc.constant(0), fc.nat(100)),
  fc.constantFrom(null, STALE, WANTED),
);

const configuration = fc.record({
  segmentNumber: fc.integer({ min: 0, max: 8 }),
  maxSegmentSizeBytes: fc.oneof(
    fc.constant(1),
    fc.integer({ min: 1, max: 3000 }),
    fc.constant(Number.POSITIVE_INFINITY),
  ),
  deletedThreshold: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })),
  vacuumMinVectorNumber: fc.nat(50),
  indexingThresholdBytes: fc.oneof(
    fc.constant(0),
    fc.integer({ min: 1, max: 2000 }),
    fc.constant(Number.POSITIVE_INFINITY),
  ),
});

test.each([
  ['all runs of a plan', (planned: Planned[]) => planned],
  ['one run at a time', (planned: Planned[]) => planned.slice(0, 1)],
  ['the last run first', (planned: Planned[]) => planned.slice(-1)],
])('doing what is planned ends, for any segments and thresholds: %s', (_, choose) => {
  fc.assert(
    fc.property(configuration, fc.array(segment, { maxLength: 30 }), (thresholds, given) => {
      const simulator = new Simulator(thresholds);
      for (const [points, deleted, hnsw] of given) simulator.add(points, deleted, hnsw);
      const pointsBefore = simulator.segments.reduce((sum, { points }) => sum + points, 0);
      simulator.ensureCapacity();
      // A merge leaves fewer segments; a vacuum, of which there is at most one a segment, may
      // leave one more. So no more than three runs a segment, one for the first capacity.
      const roundsMax = 3 * (given.length + 1);
      let rounds = 0;
      for (let planned = simulator.plan(); planned.length > 0; planned = simulator.plan()) {
        rounds += 1;
        expect(rounds).toBeLessThanOrEqual(roundsMax);
        simulator.run(choose(planned));
        simulator.ensureCapacity();
      }
      expect(simulator.segments.reduce((sum, { points }) => sum + points, 0)).toBe(pointsBefore);
      expect(simulator.segments.some(({ appendable }) => appendable)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});
