import { SluiceError } from '../../errors.js';
import type { ClockTag, UpdateResult, WaitLevel } from '../../types.js';
import { type Effect, type ModelOperation, PointModel } from './point-model.js';

/**
 * What is known of an operation. `maybe`: it may be in the log, and only the next opening tells.
 * `absent`: it never came into the log.
 */
type Fate = 'pending' | 'written' | 'maybe' | 'absent';

/** An operation that was submitted, and what has become of it. */
export interface Issued {
  readonly operation: ModelOperation;
  readonly wait: WaitLevel;
  readonly clockTag: ClockTag | undefined;
  /** Its place in the order of submission since the last opening. */
  readonly place: number;
  fate: Fate;
  /** The number that the collection has told. */
  told: number | undefined;
  /** The number that it must have, once it is known to be in the log. */
  opNum: number | undefined;
  /** What it did, once it has been applied. */
  effect: Effect | undefined;
  /** What its caller was told that it did. */
  answer: Effect | undefined;
}

/** Reports a broken rule. */
export type Violated = (rule: string, text: string) => void;

const NEVER_WRITTEN: ReadonlySet<string> = new Set([
  'SLUICE_ABORTED',
  'SLUICE_WAL_FULL',
  'SLUICE_NOT_ENOUGH_SPACE',
  'SLUICE_OPERATION_TOO_LARGE',
]);

/** Whoever gets one of these can't know whether the operation is in the log. */
const MAYBE_WRITTEN: ReadonlySet<string> = new Set([
  'SLUICE_BROKEN',
  'SLUICE_STOPPED',
  'SLUICE_IO',
  'SLUICE_DISK_FULL',
  'SLUICE_NOT_OPEN',
]);

/**
 * What the collection must hold. Every submission since the last opening is known, in order; the
 * numbers of those in the log are dense, so that the number of an operation follows from what became
 * of the ones before it. After a crash or a failure, the number that the log is found to end with
 * decides about those that nobody knew of: a prefix of them is there.
 */
export class Oracle {
  readonly #violated: Violated;
  /** What the log was found to hold at the last opening. */
  #base = { opNum: 0, model: new PointModel(), ticks: new Map<number, number>() };
  #issued: Issued[] = [];
  readonly #isOvertaken = new WeakSet<Issued>();
  #model = new PointModel();
  #folded = 0;
  /** The newest tick of each clock that has been folded. */
  #ticks = new Map<number, number>();
  /** The place of the first submission that has not been folded. */
  #next = 0;
  #answered: Issued[] = [];
  /** Operations up to here survive a killed process. */
  #acked = 0;
  /** Operations up to here survive a power cut. */
  #durable = 0;

  constructor(violated: Violated) {
    this.#violated = violated;
  }

  /** The model as of the operation that was folded last. */
  get model(): PointModel {
    return this.#model;
  }

  get folded(): number {
    return this.#folded;
  }

  get durable(): number {
    return this.#durable;
  }

  /** Submissions since the last opening. */
  get issued(): readonly Issued[] {
    return this.#issued;
  }

  /** Submissions that were not answered. */
  get pending(): Issued[] {
    return this.#issued.filter(({ fate }) => fate === 'pending');
  }

  issue(operation: ModelOperation, wait: WaitLevel, clockTag?: ClockTag): Issued {
    const place = this.#issued.length;
    const unknown = { told: undefined, opNum: undefined, effect: undefined, answer: undefined };
    const issued: Issued = { operation, wait, clockTag, place, fate: 'pending', ...unknown };
    this.#issued.push(issued);
    return issued;
  }

  /** The caller of an operation was answered. */
  completed(issued: Issued, { status, opNum, affected }: UpdateResult): void {
    const isRejected = status === 'clockRejected';
    if (!this.#settle(issued, isRejected ? 'absent' : 'written')) return;
    if (isRejected !== this.#isOvertaken.has(issued)) {
      this.#violated('operations that were overtaken are rejected', `${status}, ${opNum}`);
    }
    issued.told = opNum;
    if (status === 'completed') issued.answer = { affected: affected ?? -1 };
    this.#acked = Math.max(this.#acked, opNum ?? 0);
    if (status === 'completed') this.#durable = Math.max(this.#durable, opNum ?? 0);
  }

  /** The caller of an operation got an error. */
  failed(issued: Issued, error: unknown): void {
    const code = error instanceof SluiceError ? error.code : undefined;
    if (code === 'SLUICE_POINT_NOT_FOUND') {
      if (this.#settle(issued, 'written')) issued.answer = 'declined';
    } else if (code !== undefined && NEVER_WRITTEN.has(code)) {
      this.#settle(issued, 'absent');
    } else if (code !== undefined && MAYBE_WRITTEN.has(code)) {
      this.#settle(issued, 'maybe');
    } else {
      this.#settle(issued, 'maybe');
      this.#violated('errors of updates have a code', String(error));
    }
  }

  /** Everything up to this number is known to survive a power cut. */
  safe(opNum: number): void {
    this.#durable = Math.max(this.#durable, opNum);
    this.#acked = Math.max(this.#acked, opNum);
  }

  /** It must be rejected: its clock has a newer tick. */
  expectRejection(issued: Issued): void {
    this.#isOvertaken.add(issued);
  }

  /** The newest tick of a clock that has been folded. */
  tickOf(clockId: number): number {
    return this.#ticks.get(clockId) ?? 0;
  }

  /** The newest tick of each clock among the operations up to a number, whether or not they have been folded. */
  ticksUpTo(opNum: number): Map<number, number> {
    const ticks = new Map(this.#base.ticks);
    let next = this.#folded;
    for (const [place, issued] of this.#issued.entries()) {
      const { clockTag, fate } = issued;
      const isFolded = place < this.#next;
      if (!isFolded && fate === 'absent') continue;
      if (!isFolded) next += 1;
      const number = isFolded ? issued.opNum : next;
      if (clockTag === undefined || number === undefined || number > opNum) continue;
      ticks.set(clockTag.clockId, clockTag.tick);
    }
    return new Map([...ticks].sort(([a], [b]) => a - b));
  }

  /** The highest number that the log can have reached. */
  get present(): number {
    return this.#base.opNum + this.#issued.filter(({ fate }) => fate !== 'absent').length;
  }

  /** The number of an operation that has been folded. */
  at(opNum: number): Issued | undefined {
    return this.#issued.find((issued) => issued.opNum === opNum);
  }

  /** Folds everything up to `applied`, and compares what callers were told with it. */
  advance(applied: number): void {
    while (this.#folded < applied) {
      const issued = this.#issued[this.#next];
      if (issued === undefined) {
        this.#violated('only what was submitted is applied', `applied ${applied} operations`);
        return;
      }
      this.#next += 1;
      if (issued.fate === 'absent') continue;
      this.#folded += 1;
      issued.opNum = this.#folded;
      issued.effect = this.#model.apply(issued.operation);
      const { clockTag } = issued;
      if (clockTag !== undefined) this.#ticks.set(clockTag.clockId, clockTag.tick);
    }
    this.#compareAnswers();
  }

  /**
   * The log was found to end with `last` after an opening; `isPowerCut`: what nobody had synced may
   * be gone. What is not in it is forgotten; what is, is the state to go on from.
   */
  resume(last: number, isPowerCut: boolean): void {
    const kept = isPowerCut ? this.#durable : Math.max(this.#acked, this.#durable);
    if (last < kept) {
      const what = isPowerCut ? 'synced' : 'acknowledged';
      this.#violated(
        'nothing acknowledged is lost',
        `the log ends with ${last}, ${kept} was ${what}`,
      );
    }
    if (last < this.#folded) this.#rewind();
    if (last > this.present) {
      this.#violated(
        'only what was submitted is in the log',
        `${last} records, ${this.present} submitted`,
      );
      return;
    }
    this.advance(last);
    const ticks = this.ticksUpTo(last);
    this.#base = { opNum: last, model: new PointModel(this.#model), ticks };
    this.#issued = [];
    this.#answered = [];
    this.#next = 0;
    this.#acked = last;
    // What an opening has shown is safe.
    this.#durable = last;
  }

  #rewind(): void {
    this.#model = new PointModel(this.#base.model);
    this.#folded = this.#base.opNum;
    this.#ticks = new Map(this.#base.ticks);
    this.#next = 0;
    // What was folded and is lost had been told to nobody as safe; the others get the same again.
    this.#answered = [];
  }

  #settle(issued: Issued, fate: Fate): boolean {
    // The answer came after the opening that has decided about it.
    if (this.#issued[issued.place] !== issued) return false;
    if (issued.fate !== 'pending') {
      this.#violated('each caller is answered once', `operation at place ${issued.place}`);
      return false;
    }
    issued.fate = fate;
    this.#answered.push(issued);
    return true;
  }

  #compareAnswers(): void {
    if (this.#answered.length === 0) return;
    const later: Issued[] = [];
    for (const issued of this.#answered) {
      const { fate, told, opNum, answer, effect, operation } = issued;
      const name = `${operation.kind} ${opNum ?? told ?? `at place ${issued.place}`}`;
      if (fate === 'absent' && opNum !== undefined) {
        this.#violated('what was refused is not in the log', `${name} was applied`);
      }
      if (fate !== 'written') continue;
      if (opNum === undefined) {
        if (answer !== undefined) {
          this.#violated('completed means applied', `${name} was answered before it was applied`);
        } else if (told !== undefined && told <= this.#folded) {
          this.#violated('numbers are dense and in order', `${name} has the number of another one`);
        } else later.push(issued);
        continue;
      }
      if (told !== undefined && told !== opNum) {
        this.#violated('numbers are dense and in order', `${name} was told ${told}`);
      }
      if (answer === 'declined') this.safe(opNum);
      if (answer !== undefined && !sameEffect(answer, effect)) {
        const text = `${name}: told ${effectText(answer)}, should be ${effectText(effect)}`;
        this.#violated('callers hear what an operation did', text);
      }
    }
    this.#answered = later;
  }
}

function sameEffect(a: Effect, b: Effect | undefined): boolean {
  if (a === 'declined' || b === 'declined' || b === undefined) return a === b;
  return a.affected === b.affected;
}

function effectText(effect: Effect | undefined): string {
  if (effect === undefined || effect === 'declined') return String(effect);
  return `${effect.affected} points`;
}
