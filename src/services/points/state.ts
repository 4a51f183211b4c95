import { assert, isSticky, isTransient, SluiceError } from '../../errors.js';
import type { HnswOptions, OptimizerOptions } from '../../types.js';
import { ClockMap } from '../clocks.js';
import { unknownNotes } from '../log-notes.js';
import { maxSegmentSizeBytes } from '../optimizer-options.js';
import type { LogNotes } from '../ports.js';
import { applyOperation } from './apply.js';
import { type Configuration, hnswOptions, optimizerOptions } from './configuration.js';
import type { ManifestBody } from './manifest.js';
import type { PointOperation } from './operations.js';
import type { Segment } from './segment.js';
import { SegmentList } from './segment-list.js';
import { type Schema, Transaction } from './transaction.js';

/**
 * The points and everything else that a commit stores, as of operation `applied`: the state that
 * operations build. It exists from open to close; opening again makes another one.
 */
export class PointState {
  readonly list: SegmentList;
  readonly schema: Schema;
  readonly clocks: ClockMap;
  /** What the core wants to be stored about the log. */
  notes: LogNotes;
  readonly #cpus: number;
  #applied: number;
  #configuration: Configuration;
  #optimizerOptions: OptimizerOptions;
  #hnswOptions: HnswOptions;
  #configurations = 0;
  /** Ids of the segments that got rows from the last operation. */
  #touched: readonly number[] = [];

  constructor(body: ManifestBody, segments: readonly Segment[], cpus: number) {
    this.list = new SegmentList(body, segments, body.nextSegmentId);
    this.schema = new Map(body.schema);
    this.clocks = ClockMap.fromJSON(body.clocks);
    this.notes = body.notes ?? unknownNotes(body.applied, this.clocks.ticks());
    this.#cpus = cpus;
    this.#applied = body.applied;
    this.#configuration = body.configuration;
    this.#optimizerOptions = optimizerOptions(body.configuration);
    this.#hnswOptions = hnswOptions(body.configuration);
  }

  get applied(): number {
    return this.#applied;
  }

  /** Operations up to this one have been applied or declined; some of them elsewhere. */
  advance(applied: number): void {
    assert(applied >= this.#applied, 'the log only grows');
    this.#applied = applied;
  }

  get configuration(): Configuration {
    return this.#configuration;
  }

  set configuration(configuration: Configuration) {
    this.#optimizerOptions = optimizerOptions(configuration);
    this.#hnswOptions = hnswOptions(configuration);
    this.#configuration = configuration;
    this.#configurations += 1;
  }

  get optimizerOptions(): OptimizerOptions {
    return this.#optimizerOptions;
  }

  get hnswOptions(): HnswOptions {
    return this.#hnswOptions;
  }

  /** Differs between any two states that a commit would store differently. */
  get revision(): string {
    return `${this.#applied}/${this.list.revision}/${this.#configurations}`;
  }

  /** What a commit stores, without the segments. */
  manifest(): Omit<ManifestBody, 'segments'> {
    return {
      applied: this.#applied,
      dimensions: this.list.shape.dimensions,
      distance: this.list.shape.distance,
      configuration: this.#configuration,
      schema: [...this.schema],
      clocks: this.clocks.toJSON(),
      notes: this.notes,
      nextSegmentId: this.list.nextId,
    };
  }

  /** See `SegmentHolder.apply`. */
  apply(opNum: number, operation: PointOperation): number {
    assert(opNum > this.#applied, 'operations are applied in the order of the log');
    const { list, schema } = this;
    const chooseTarget = () => list.smallestAppendable() ?? list.create();
    const transaction = new Transaction(opNum, list.all, schema, chooseTarget);
    try {
      this.#checkClock(operation);
      const touched = applyOperation(transaction, operation);
      if (transaction.changesSchema) this.#dropIndexes();
      const { target } = transaction;
      this.#touched = target === undefined ? [] : [target.id];
      this.#passed(opNum, operation);
      return touched;
    } catch (error) {
      transaction.undo();
      // A declined operation has had its turn: it moves its clock on, and nothing else.
      if (!isTransient(error) && !isSticky(error)) this.#passed(opNum, operation);
      throw error;
    }
  }

  /** See `SegmentHolder.touched`. */
  get touched(): readonly number[] {
    return this.#touched;
  }

  /** See `SegmentHolder.ensureCapacity`. */
  ensureCapacity(): void {
    const sizeMax = maxSegmentSizeBytes(this.#optimizerOptions, this.#cpus);
    const hasRoom = this.list.all.some(
      (segment) => segment.appendable && segment.vectorBytes < sizeMax,
    );
    if (!hasRoom) this.list.create();
  }

  /** Gives back the memory of indexes that are no more; new ones are built by those who read. */
  #dropIndexes(): void {
    for (const { payloadIndexes } of this.list.all) payloadIndexes.retain(this.schema);
  }

  #passed(opNum: number, { clockTag }: PointOperation): void {
    if (clockTag !== undefined) this.clocks.advance(clockTag);
    this.#applied = opNum;
  }

  /** A tag that another operation has overtaken declines this one, whatever it would have done. */
  #checkClock({ clockTag }: PointOperation): void {
    if (clockTag === undefined) return;
    const { accepted, current } = this.clocks.judge(clockTag);
    if (accepted) return;
    const { peerId, clockId, tick } = clockTag;
    throw new SluiceError(
      'SLUICE_CLOCK_REJECTED',
      `tick ${tick} of clock ${peerId}/${clockId} comes after tick ${current}`,
    );
  }
}
