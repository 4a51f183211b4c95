import type { WalRecord, WalState } from '../../services/ports.js';
import type { Ledger } from './ledger.js';
import type { LogClause } from './log-clauses.js';

/** How the last use of a log has ended. */
export type LogEnd = 'kept' | 'killed' | 'synced' | 'failed';

interface Written extends WalRecord {
  /** Whether an append ended with it: an append is there as a whole or not at all. */
  endsAppend: boolean;
}

/** What has to be in a log: the records whose append was answered, and one append that was not. */
export class LogModel {
  readonly #ledger: Ledger<LogClause>;
  #storeId: string | undefined;
  #dense = true;
  /** Answered, above `acked`. */
  #records: Written[] = [];
  /** Records up to here survive a power cut. */
  #synced = 0;
  acked = 0;
  last = 0;
  /** An append that was given up before it was answered: may be there. */
  maybe: readonly Uint8Array[] = [];
  /** An acknowledgement of that kind. */
  ackedMaybe: number | undefined;

  constructor(ledger: Ledger<LogClause>) {
    this.#ledger = ledger;
  }

  /** The records between two numbers, inclusive. */
  between(from: number, to: number): WalRecord[] {
    return this.#records.filter(({ opNum }) => opNum >= from && opNum <= to);
  }

  /** An append was answered. */
  appended(data: readonly Uint8Array[], opNums: readonly number[], sync: boolean): void {
    this.#ledger.same('numbers', 'numbers of an append', data.length, opNums.length);
    let before = this.last;
    for (const opNum of opNums) {
      const follows = this.#dense ? opNum === before + 1 : opNum > before;
      this.#ledger.check('numbers', Number.isSafeInteger(opNum) && follows, () => {
        return `after record ${before} comes number ${opNum} (of ${opNums.join(', ')})`;
      });
      before = opNum;
    }
    this.#take(data, opNums);
    if (sync) this.#synced = this.last;
  }

  /** A sync was answered that began when `last` was the newest record. */
  synced(last: number): void {
    this.#synced = Math.max(this.#synced, last);
  }

  /** An acknowledgement was answered. */
  acknowledged(upTo: number): void {
    this.acked = Math.max(this.acked, upTo);
    this.#records = this.#records.filter(({ opNum }) => opNum > this.acked);
  }

  /** The log was opened, and has told and given this. */
  opened(dense: boolean, state: WalState, found: readonly WalRecord[], end: LogEnd): void {
    const ledger = this.#ledger;
    this.#dense = dense;
    const { storeId, acked, last, bytes } = state;
    const isNamed = typeof storeId === 'string' && storeId !== '';
    ledger.check('identity', isNamed, () => `the store id is ${JSON.stringify(storeId)}`);
    if (this.#storeId !== undefined) ledger.same('identity', 'store id', this.#storeId, storeId);
    this.#storeId = storeId;
    if (acked !== this.ackedMaybe) ledger.same('forgotten', '`acked`', this.acked, acked);
    this.acknowledged(acked);
    this.#matches(found, end);
    ledger.same('report', '`last`', found.at(-1)?.opNum ?? acked, last);
    const least = found.reduce((sum, { data }) => sum + data.byteLength, 0);
    ledger.check('report', found.length === 0 ? bytes === 0 : bytes >= least, () => {
      return `${found.length} records with ${least} bytes of data are told as ${bytes} bytes`;
    });
    this.#records = found.map((record) => ({ ...record, endsAppend: true }));
    this.last = last;
    this.#synced = last;
    this.maybe = [];
    this.ackedMaybe = undefined;
  }

  /** What was found is a beginning of what may be there, and has everything that must be. */
  #matches(found: readonly WalRecord[], end: LogEnd): void {
    const ledger = this.#ledger;
    const answered = this.#records;
    for (const [at, { opNum, data }] of found.entries()) {
      const expected = answered[at]?.data ?? this.maybe[at - answered.length];
      ledger.check(at < answered.length ? 'records' : end, expected !== undefined, () => {
        return `record ${opNum} was never appended, or its append had failed`;
      });
      const isSame = sameBytes(expected, data) && (answered[at]?.opNum ?? opNum) === opNum;
      ledger.check('records', isSame, () => {
        const wanted = answered[at]?.opNum ?? 'of the append without an answer';
        return `in the place of record ${wanted} the log has ${opNum}, or other data`;
      });
    }
    const sure = end === 'synced' ? this.#synced : this.last;
    const lost = answered.slice(found.length).filter(({ opNum }) => opNum <= sure);
    ledger.check(end, lost.length === 0, () => {
      const numbers = lost.map(({ opNum }) => opNum).join(', ');
      return `records ${numbers} are lost; the newest is ${found.at(-1)?.opNum ?? 'none'}`;
    });
    const beyond = found.length - answered.length;
    const isCut =
      beyond > 0
        ? beyond < this.maybe.length
        : !(answered[found.length - 1] ?? { endsAppend: true }).endsAppend;
    ledger.check(end === 'failed' ? 'failed' : 'whole', !isCut, () => {
      return `the log ends within an append, with record ${found.at(-1)?.opNum}`;
    });
  }

  #take(data: readonly Uint8Array[], opNums: readonly number[]): void {
    for (const [at, opNum] of opNums.entries()) {
      const record = {
        opNum,
        data: data[at] ?? new Uint8Array(),
        endsAppend: at === data.length - 1,
      };
      // What is acknowledged beside its append is forgotten at once.
      if (opNum > this.acked) this.#records.push(record);
      this.last = opNum;
    }
  }
}

export function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.byteLength === b.byteLength && a.every((byte, at) => byte === b[at]);
}
