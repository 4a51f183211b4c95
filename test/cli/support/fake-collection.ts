import type { Distance, Point, PointId, PointInput } from 'sluice';
import { SluiceError } from 'sluice';
import type { CollectionHandle, OpenCollection } from '#sluice/cli/facade.js';
import type { Status } from '#sluice/services/status.js';

/** A collection in a Map: what the commands see of one, and what they did to it. */
export class FakeCollection implements CollectionHandle {
  readonly points = new Map<PointId, PointInput>();
  readonly upserts: { ids: PointId[]; wait: boolean }[] = [];
  openings: object[] = [];
  opened = 0;
  closed = 0;
  inFlight = 0;
  inFlightMax = 0;
  dimensions: number | undefined;
  /** Called before each upsert answers. */
  onUpsert: () => Promise<void> | void = () => undefined;
  /** Called in the middle of a snapshot. */
  onSnapshot: () => Promise<void> | void = () => undefined;
  health: Status = { color: 'green', reasons: [], errors: [] };
  configuration: object = { optimizers: { deletedThreshold: 0.2 }, flushIntervalMs: 5000 };
  payloadIndexes: { [path: string]: string } = {};
  running: ReturnType<CollectionHandle['optimizations']>['running'] = [];
  optimizing: (signal: AbortSignal) => Promise<void> = () => Promise.resolve();

  open: OpenCollection = (path, options) => {
    this.openings.push(options);
    this.dimensions ??= options.dimensions;
    if (this.dimensions === undefined) {
      return Promise.reject(new SluiceError('SLUICE_NOT_FOUND', `no collection at ${path}`));
    }
    this.opened += 1;
    return Promise.resolve(this);
  };

  async upsert(points: readonly PointInput[], { wait }: { wait: boolean }) {
    this.upserts.push({ ids: points.map(({ id }) => id), wait });
    this.inFlight += 1;
    this.inFlightMax = Math.max(this.inFlightMax, this.inFlight);
    try {
      await new Promise((resolve) => setImmediate(resolve));
      await this.onUpsert();
      for (const point of points) this.points.set(point.id, point);
    } finally {
      this.inFlight -= 1;
    }
    return { opNum: this.upserts.length, status: 'completed' as const };
  }

  async get(ids: readonly PointId[], { withVector = false } = {}): Promise<Point[]> {
    return ids.flatMap((id) => {
      const point = this.points.get(id);
      if (point === undefined) return [];
      const vector = Float32Array.from(point.vector);
      return [{ id, payload: point.payload ?? {}, ...(withVector ? { vector } : {}) }];
    });
  }

  /** By the first dimension alone; the options are handed back in the payloads. */
  async search(vector: ArrayLike<number>, options: { limit: number }) {
    return [...this.points.values()]
      .map(({ id, vector: other }) => ({
        id,
        score: -Math.abs((other[0] ?? 0) - (vector[0] ?? 0)),
      }))
      .sort((a, b) => b.score - a.score)
      .slice(0, options.limit)
      .map((hit) => ({ ...hit, payload: { options: JSON.stringify(options) } }));
  }

  optimize({ signal }: { signal: AbortSignal }): Promise<void> {
    return this.optimizing(signal);
  }

  async snapshot(
    path: string,
    { onProgress }: { onProgress: (progress: { done: number; total: number }) => void },
  ) {
    if (path === 'taken') throw new SluiceError('SLUICE_EXISTS', `'${path}' is there already`);
    onProgress({ done: 3, total: 5 });
    await this.onSnapshot();
    onProgress({ done: 5, total: 5 });
    return { path: `/copies/${path}`, opNum: 9, points: this.points.size };
  }

  optimizations() {
    return { running: this.running, queued: [] };
  }

  status(): Status {
    return this.health;
  }

  info() {
    const segment = { id: 7, points: 3, rows: 4, deleted: 1, vectorBytes: 2048 };
    return {
      dimensions: this.dimensions ?? 0,
      distance: 'cosine' as Distance,
      points: this.points.size,
      segments: [{ ...segment, indexed: false, appendable: true }],
      wal: { acked: 3, applied: 4, last: 5 },
      payloadIndexes: this.payloadIndexes,
      configuration: this.configuration,
    };
  }

  get handler(): never {
    throw new Error('there are no actors beneath this one');
  }

  async close(): Promise<void> {
    this.closed += 1;
  }
}
