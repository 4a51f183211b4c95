import { errorText } from '../../errors.js';
import type { SegmentInfo } from '../../services/ports.js';
import type { Dice } from '../dice.js';
import type { Ledger } from './ledger.js';
import type { Operations, SegmentsAdapters, Supports } from './place.js';
import type { SegmentsClause } from './segments-clauses.js';
import { difference, type Entries, type Intent, SegmentsModel } from './segments-model.js';

const KEYS = 24;

/** What the parts of a test of segments share: the adapters, the model, and how they are compared. */
export class SegmentsStage<Op> {
  readonly operations: Operations<Op>;
  readonly supports: Supports;
  readonly ledger: Ledger<SegmentsClause>;
  readonly random: Dice;
  readonly model = new SegmentsModel();
  adapters: SegmentsAdapters<Op>;
  /** Segments of the run that is under way. */
  busy: ReadonlySet<number> = new Set();
  /** How often segments were changed, swapped, rolled back: says what a commit has to hold. */
  activity = 0;
  swaps = 0;
  rollbacks = 0;
  #ids = new Set<number>();
  #gone = new Set<number>();
  #values = 0;
  /** What `dirtyBytes` was after the newest put; undefined: there was none. */
  #dirty: number | undefined;

  constructor(
    adapters: SegmentsAdapters<Op>,
    how: {
      operations: Operations<Op>;
      supports: Supports;
      ledger: Ledger<SegmentsClause>;
      random: Dice;
    },
  ) {
    this.adapters = adapters;
    this.operations = how.operations;
    this.supports = how.supports;
    this.ledger = how.ledger;
    this.random = how.random;
  }

  /** Other adapters, or the same opened anew: ids that no commit has named may come again. */
  renewed(): void {
    this.#ids = new Set();
    this.#gone = new Set();
  }

  /** Applies one more operation, as the core does it, and compares. */
  async apply(intent: Intent): Promise<void> {
    const { ledger, model } = this;
    const clause = this.busy.size > 0 ? 'beside' : 'effect';
    model.add(intent);
    const count = this.perform(model.last, intent, clause);
    await this.compare(clause);
    if (intent.kind === 'put') {
      ledger.check(clause, count !== undefined && count >= 1, `a put touched ${count} entries`);
    }
    if (this.supports.touched && intent.kind !== 'refused') this.#checkTouched(intent);
    if (intent.kind === 'put') {
      const dirty = this.adapters.segments.dirtyBytes();
      ledger.check('dirty', dirty > 0, `after a put there are ${dirty} bytes to be written`);
      this.#dirty = dirty;
    }
  }

  /** The last commit has it all: as many bytes as after the newest put can't be waiting any more. */
  checkClean(): void {
    const dirty = this.adapters.segments.dirtyBytes();
    this.ledger.check('dirty', dirty < (this.#dirty ?? Infinity), () => {
      return `${dirty} bytes are still to be written, and nothing has happened since the commit`;
    });
  }

  /** Gives an operation to the store; undefined when it is refused, as it must be. */
  perform(opNum: number, intent: Intent, clause: SegmentsClause): number | undefined {
    const { segments, codec } = this.adapters;
    this.activity += 1;
    const made = this.#operation(intent);
    const operation = codec === undefined ? made : codec.decode(codec.encode(made));
    let count: number | undefined;
    let refusal: unknown;
    try {
      count = segments.apply(opNum, operation);
    } catch (error) {
      refusal = error;
    }
    if (intent.kind === 'refused') {
      this.ledger.check('refused', count === undefined, 'the operation is not refused');
      return undefined;
    }
    this.ledger.check(clause, count !== undefined, () => {
      return `operation ${opNum}, a ${intent.kind}, was refused: ${errorText(refusal)}`;
    });
    return count;
  }

  /**
   * What readers see must be what the operations come to; segments must count it. Both are asked
   * before anything is awaited.
   */
  async compare(clause: SegmentsClause, expected: Entries = this.model.entries): Promise<void> {
    const [given, infos] = [this.adapters.content(), this.#list()];
    const pairs = [...(Symbol.iterator in given ? given : await given)];
    const actual: Entries = new Map(pairs);
    this.ledger.check('counts', actual.size === pairs.length, 'a key is there twice');
    const found = difference(expected, actual);
    this.ledger.check(clause, found === undefined, () => `${found}`);
    this.#checkSegments(infos, actual.size);
  }

  /** The present segments. */
  infos(): readonly SegmentInfo[] {
    return this.adapters.segments.segments();
  }

  /** A put of a key that is not there, or of one that is. */
  put(isThere: boolean): Intent {
    this.#values += 1;
    const keys = isThere ? this.#present() : this.#absent();
    const key = keys[this.random(keys.length)] ?? this.#anyKey();
    return { kind: 'put', key, value: `${this.#values}` };
  }

  delete(): Intent {
    const keys = this.#present();
    return { kind: 'delete', key: keys[this.random(keys.length)] ?? this.#anyKey() };
  }

  /** Undefined when nothing is there that it could be refused for. */
  refused(): Intent | undefined {
    const present = this.#present();
    const [key] = present.splice(this.random(Math.max(1, present.length)), 1);
    return key === undefined ? undefined : { kind: 'refused', present: key, absent: 'nobody' };
  }

  #operation(intent: Intent): Op {
    const { operations } = this;
    if (intent.kind === 'put') return operations.put(intent.key, intent.value);
    if (intent.kind === 'delete') return operations.delete(intent.key);
    if (operations.refused === undefined) throw new TypeError('supports.refused needs `refused`');
    return operations.refused(intent);
  }

  #list(): readonly SegmentInfo[] {
    const infos = this.infos();
    this.ledger.same('ids', 'a second list of the segments', infos, this.infos());
    return infos;
  }

  #checkSegments(infos: readonly SegmentInfo[], count: number): void {
    const { ledger } = this;
    const points = infos.reduce((sum, info) => sum + info.points, 0);
    ledger.check('counts', points === count, () => `${count} entries are counted as ${points}`);
    const ids = infos.map(({ id }) => id);
    const present = new Set(ids);
    ledger.check('ids', present.size === ids.length, () => `ids twice: ${ids.join(', ')}`);
    const again = ids.filter((id) => this.#gone.has(id));
    ledger.check('ids', again.length === 0, () => `an id is used again: ${again.join(', ')}`);
    for (const id of this.#ids) if (!present.has(id)) this.#gone.add(id);
    this.#ids = present;
  }

  #checkTouched({ kind }: Intent): void {
    const touched = this.adapters.segments.touched?.() ?? [];
    const present = new Set(this.infos().map(({ id }) => id));
    const isRight = kind === 'put' ? touched.length > 0 : touched.length === 0;
    this.ledger.check('touched', isRight && touched.every((id) => present.has(id)), () => {
      return `after a ${kind} it says: ${touched.join(', ') || 'none'}`;
    });
  }

  #present(): string[] {
    return [...this.model.entries.keys()];
  }

  #absent(): string[] {
    return keysUpTo(KEYS).filter((key) => !this.model.entries.has(key));
  }

  #anyKey(): string {
    return `key ${this.random(KEYS)}`;
  }
}

const keysUpTo = (count: number) => Array.from({ length: count }, (_, at) => `key ${at}`);
