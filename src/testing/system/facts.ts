import { isSticky, isTransient } from '../../errors.js';
import type { Asked, Begun, JournalEvent, Site } from './journal.js';

/** A call that has begun and not come back, with what the log held when it began. */
interface Underway {
  event: Begun<Site>;
  last: number;
}

/** A run of an optimizer that has frozen its sources. */
export interface RunFacts {
  optimizer: string;
  ids: readonly number[];
  /** The phases it has been through, in order. */
  phases: Site[];
}

/** One capture that has not been released. */
export interface CaptureFacts {
  applied: number;
  synced: boolean;
  written: boolean;
  committed: boolean;
}

/** What the journal says about a store, as plain numbers: all that rules are made of. */
export class Facts {
  /** Op numbers: the newest in the log; known to survive a power cut; applied or declined. */
  last = 0;
  durable = 0;
  applied = 0;
  /** Forgotten by the log, and held by the last commit, as far as the callers were told. */
  acked = 0;
  committed = 0;
  /** The highest number that the log was asked to forget. */
  ackAsked = 0;
  /** What the log and the segments held when they were opened. */
  opened = { last: 0, applied: 0 };
  /** Records that may have been written by appends that failed. */
  uncertain = 0;
  /** Records of the log by number; those that are forgotten are left out at times. */
  readonly records = new Map<number, Uint8Array>();
  /** Declined operations that are above `acked`, or were when this was looked at last. */
  readonly declined = new Set<number>();
  readonly underway = new Map<number, Underway>();
  /** Appends that hang since before the log was opened anew. */
  readonly lateAppends = new Set<number>();
  readonly runs = new Map<number, RunFacts>();
  readonly captures = new Map<number, CaptureFacts>();
  readonly requests = new Map<number, Asked>();
  readonly holds = new Map<number, number>();
  /** The operation that failed for now. */
  retrying: number | undefined;
  /** What has made the storage unusable, since the log was opened last. */
  broken: unknown;
  /** Whether segments and log are open, as far as the core was told. */
  open = false;

  /** The lowest number that someone has asked to keep; Infinity when nobody has. */
  get keepFrom(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.holds.values());
  }

  /** True while a call of one of these names has begun and not come back. */
  isUnderway(...sites: readonly Site[]): boolean {
    return [...this.underway.values()].some(({ event }) => sites.includes(event.site));
  }

  /** True while records are being written, by whichever opening of the log. */
  get isAppending(): boolean {
    return this.lateAppends.size > 0 || this.isUnderway('wal.append');
  }

  learn(event: JournalEvent): void {
    switch (event.type) {
      case 'begun':
        if (event.site === 'wal.open') this.#reopen();
        this.underway.set(event.call, { event, last: this.last });
        if (event.site === 'wal.acknowledge') {
          this.ackAsked = Math.max(this.ackAsked, event.given.upTo);
        }
        if (isPhase(event.site)) this.#phase(event);
        return;
      case 'ended':
        this.#ended(event);
        this.#over(event.call);
        return;
      case 'failed':
        this.#over(event.call);
        this.#failed(event);
        return;
      case 'asked':
        this.requests.set(event.request, event);
        return;
      case 'answered':
      case 'refused':
        this.requests.delete(event.request);
        return;
      case 'kept':
        if (event.from === null) this.holds.delete(event.hold);
        else this.holds.set(event.hold, event.from);
        return;
      case 'life':
        this.#died();
        return;
      default:
    }
  }

  #ended(event: Extract<JournalEvent, { type: 'ended' }>): void {
    switch (event.site) {
      case 'wal.open':
        this.last = this.durable = this.opened.last = event.got.last;
        this.acked = this.ackAsked = event.got.acked;
        this.uncertain = 0;
        break;
      case 'wal.append':
        event.got.opNums.forEach((opNum, at) => {
          const data = event.given.records[at];
          if (data !== undefined) this.records.set(opNum, data);
          this.last = opNum;
        });
        if (event.given.sync) this.durable = this.last;
        break;
      case 'wal.sync':
        this.durable = Math.max(this.durable, this.underway.get(event.call)?.last ?? 0);
        for (const capture of this.captures.values()) capture.synced = true;
        break;
      case 'wal.acknowledge':
        this.acked = event.given.upTo;
        this.#forget();
        break;
      case 'segments.open':
        this.applied = this.committed = this.opened.applied = event.got.applied;
        this.open = true;
        break;
      case 'segments.apply':
        this.applied = event.given.opNum;
        this.retrying = undefined;
        break;
      case 'segments.capture': {
        const { applied, capture } = event.given;
        this.captures.set(capture, { applied, synced: false, written: false, committed: false });
        break;
      }
      case 'capture.writeBlocks':
        this.#capture(event.given.capture, { written: true });
        break;
      case 'capture.commit':
        this.#capture(event.given.capture, { committed: true });
        this.committed = event.given.applied;
        break;
      case 'capture.release':
        this.captures.delete(event.given.capture);
        break;
      case 'optimizer.begin': {
        const { run, ids, optimizer } = event.given;
        if (event.got.begun) this.runs.set(run, { optimizer, ids, phases: [] });
        break;
      }
      case 'run.swap':
      case 'run.rollback':
        this.runs.delete(event.given.run);
        break;
      default:
    }
  }

  #failed(event: Extract<JournalEvent, { type: 'failed' }>): void {
    const { error } = event;
    if (isSticky(error)) this.broken ??= error;
    if (event.site === 'wal.append' && (isSticky(error) || event.worked)) {
      this.uncertain += event.given.records.length;
    }
    if (event.site === 'capture.release') this.captures.delete(event.given.capture);
    if (event.site === 'segments.apply' && !isSticky(error)) {
      if (isTransient(error)) this.retrying = event.given.opNum;
      else {
        this.applied = event.given.opNum;
        this.declined.add(event.given.opNum);
        this.retrying = undefined;
      }
    }
  }

  #over(call: number): void {
    this.underway.delete(call);
    this.lateAppends.delete(call);
  }

  #phase({ site, given }: Begun<Site>): void {
    if ('run' in given) this.runs.get(given.run)?.phases.push(site);
  }

  #capture(number: number, change: Partial<CaptureFacts>): void {
    const capture = this.captures.get(number);
    if (capture !== undefined) Object.assign(capture, change);
  }

  /** The log is opened anew: what was decided before is decided again by what it says. */
  #reopen(): void {
    this.#leaveHanging();
    this.captures.clear();
    this.broken = undefined;
    this.open = false;
    this.retrying = undefined;
  }

  /** What hangs when the log is opened anew, or the process dies, has nothing to do with what follows. */
  #leaveHanging(): void {
    for (const { event } of this.underway.values()) {
      if (event.site === 'wal.append' && 'records' in event.given) {
        this.uncertain += event.given.records.length;
        this.lateAppends.add(event.call);
      }
    }
    this.underway.clear();
  }

  #died(): void {
    this.runs.clear();
    this.requests.clear();
    this.holds.clear();
    this.#reopen();
    this.lateAppends.clear();
  }

  #forget(): void {
    for (const opNum of this.records.keys()) {
      if (opNum > this.acked) break;
      this.records.delete(opNum);
      this.declined.delete(opNum);
    }
  }
}

const PHASES: readonly Site[] = ['run.copy', 'run.index', 'run.catchUp'];
const isPhase = (site: Site) => PHASES.includes(site);
