import { errorText, SluiceError } from '../../errors.js';
import type { LogNotes } from '../../services/ports.js';
import type { Dice } from '../dice.js';
import { type Commit, FlushRounds } from './flush-rounds.js';
import type { Ledger } from './ledger.js';
import { OptimizerRuns } from './optimizer-runs.js';
import { begin, outcomeOf } from './patience.js';
import type { Operations, Place, SegmentsAdapters, Supports } from './place.js';
import { promised } from './promised.js';
import type { Player } from './protocol.js';
import { SegmentsAside } from './segments-aside.js';
import type { OperationCall, SegmentsCall, StoreCall } from './segments-chart.js';
import type { SegmentsClause } from './segments-clauses.js';
import type { Intent } from './segments-model.js';
import { SegmentsStage } from './segments-stage.js';

const STORE_ID = '00112233445566778899aabbccddeeff';
const OTHER_ID = 'ffeeddccbbaa99887766554433221100';
const METHODS = [
  ...(['open', 'apply', 'segments', 'ensureCapacity', 'dirtyBytes'] as const),
  ...(['capture', 'close'] as const),
];

/** What a player of segments is made of. */
export interface SegmentsPlayerOptions<Op> {
  factory: () => Place<SegmentsAdapters<Op>> | Promise<Place<SegmentsAdapters<Op>>>;
  operations: Operations<Op>;
  supports: Supports;
  ledger: Ledger<SegmentsClause>;
  random: Dice;
}

type Opened = { applied: number; notes?: LogNotes };

/** Makes the calls of a path on segments and their optimizers, and compares with a map. */
export class SegmentsPlayer<Op> implements Player {
  readonly #options: SegmentsPlayerOptions<Op>;
  readonly #place: Place<SegmentsAdapters<Op>>;
  readonly #stage: SegmentsStage<Op>;
  readonly #rounds: FlushRounds<Op>;
  readonly #runs: OptimizerRuns<Op>;
  readonly #aside: SegmentsAside<Op>;
  readonly #all: Record<SegmentsCall, () => Promise<void> | void>;
  #isOpen = false;
  #isStale = false;
  /** How the last use has ended; `loaded` after a close. */
  #end: SegmentsClause = 'loaded';

  private constructor(
    options: SegmentsPlayerOptions<Op>,
    place: Place<SegmentsAdapters<Op>>,
    adapters: SegmentsAdapters<Op>,
  ) {
    this.#options = options;
    this.#place = place;
    this.#stage = new SegmentsStage(adapters, options);
    this.#rounds = new FlushRounds(this.#stage);
    this.#runs = new OptimizerRuns(this.#stage);
    this.#aside = new SegmentsAside(this.#stage);
    this.#all = { ...this.#calls, ...this.#rounds.calls, ...this.#runs.calls };
  }

  static async start<Op>(options: SegmentsPlayerOptions<Op>): Promise<SegmentsPlayer<Op>> {
    const { ledger, supports } = options;
    const place = await options.factory();
    const adapters = await place.adapters();
    const { segments, optimizers = [] } = adapters;
    const missing: string[] = METHODS.filter((name) => typeof segments?.[name] !== 'function');
    if (supports.touched && segments.touched === undefined) missing.push('touched');
    if (supports.optimizers && optimizers.length === 0) missing.push('optimizers');
    ledger.check('shape', missing.length === 0, `missing: ${missing.join(', ')}`);
    const player = new SegmentsPlayer(options, place, adapters);
    const left = player.#aside.missing;
    ledger.check('shape', left.length === 0, `missing: ${left.join(', ')}`);
    return player;
  }

  async take(call: string): Promise<void> {
    await this.#all[call as SegmentsCall]();
  }

  /** The flush that is under way counts; sometimes the optimizers come to their end, or a new store. */
  async finish(): Promise<void> {
    if (this.#end === 'failed' && this.#isOpen) await this.#close();
    if (this.#isOpen) {
      await this.#aside.look(true);
      await this.#runs.end();
      await this.#rounds.complete();
      await this.#close();
    }
    await this.#open();
    if (this.#stage.supports.optimizers && this.#stage.random(4) === 0) {
      await this.#runs.converge();
      await this.#rounds.flush();
    }
    await this.#close();
    if (this.#stage.random(4) === 0) await this.#replayElsewhere();
  }

  async destroy(): Promise<void> {
    this.#runs.drop();
    this.#rounds.drop();
    if (this.#isOpen) await outcomeOf(begin(() => this.#stage.adapters.segments.close()));
    await this.#place.destroy?.();
  }

  readonly #calls: Record<StoreCall | OperationCall, () => Promise<void> | void> = {
    Open: () => this.#open(),
    Close: async () => {
      if (this.#end !== 'failed') await this.#aside.look(false);
      await this.#runs.end();
      await this.#rounds.end();
      const { isSettled } = this.#rounds;
      await this.#close();
      await this.#checkBlocks(isSettled);
    },
    CloseAgain: () =>
      this.#stage.ledger.sure('closing', 'a second close()', () =>
        this.#stage.adapters.segments.close(),
      ),
    Kill: () => this.#crash('kill'),
    CutPower: () => this.#crash('powerCut'),
    FailFlush: () => this.#fail(false),
    FailFlushStored: () => this.#fail(true),
    OpenAgain: () => this.#open(),
    Put: () => this.#stage.apply(this.#stage.put(false)),
    Overwrite: () => this.#stage.apply(this.#stage.put(true)),
    Delete: () => this.#stage.apply(this.#stage.delete()),
    Refuse: async () => {
      const refused: Intent | undefined = this.#stage.refused();
      if (refused !== undefined) await this.#stage.apply(refused);
    },
    EnsureCapacity: async () => {
      const { adapters, ledger } = this.#stage;
      adapters.segments.ensureCapacity();
      this.#stage.activity += 1;
      const isOpen = this.#stage.infos().some(({ appendable }) => appendable);
      ledger.check('capacity', isOpen, 'none of the segments is appendable');
      await this.#stage.compare('capacity');
    },
  };

  async #open(): Promise<void> {
    const stage = this.#stage;
    const { ledger, model, random } = stage;
    const mayRenew = stage.supports.permanence !== false && !this.#isOpen;
    if (this.#isStale || (mayRenew && random(2) === 0)) {
      stage.adapters = await this.#place.adapters();
      this.#isStale = false;
    }
    const { committed, maybe } = this.#rounds;
    if (random(3) === 0) await this.#refuseOpening();
    if (random(3) === 0 && committed !== undefined) await this.#openWithOtherId();
    const end = this.#end === 'loaded' ? this.#rounds.clause : this.#end;
    const checked: number[] = [];
    const opened = await stage.ledger.sure(end, 'open()', () =>
      this.#openWith(STORE_ID, (applied) => checked.push(applied)),
    );
    this.#isOpen = true;
    stage.renewed();
    ledger.same('check', 'what `check` was given', [opened.applied], checked);
    const now = [maybe, committed].find((one) => (one?.applied ?? 0) === opened.applied);
    ledger.check(end, now !== undefined || opened.applied === (committed?.applied ?? 0), () => {
      return `opened with number ${opened.applied}, committed was ${committed?.applied ?? 'none'}`;
    });
    await stage.compare(end, model.upTo(opened.applied));
    if (stage.supports.notes && now !== undefined) {
      ledger.same('notes', 'notes', now.notes, opened.notes);
    }
    await this.#aside.opened(end === 'power');
    this.#end = 'loaded';
    await this.#replay(opened.applied, now);
  }

  /** What the log has beyond the commit is applied again. */
  async #replay(applied: number, commit: Commit | undefined): Promise<void> {
    const stage = this.#stage;
    this.#rounds.opened(commit, commit === undefined);
    for (const [at, intent] of stage.model.intents.entries()) {
      if (at >= applied) stage.perform(at + 1, intent, 'replay');
    }
    await stage.compare('replay');
  }

  async #refuseOpening(): Promise<void> {
    const { ledger } = this.#stage;
    const refusal = new SluiceError('SLUICE_DAMAGED', 'refused by a test');
    const outcome = await outcomeOf(
      begin(() =>
        this.#openWith(STORE_ID, () => {
          throw refusal;
        }),
      ),
    );
    ledger.check('check', outcome.ended === 'badly' && outcome.error === refusal, () => {
      return 'an opening does not reject with what its `check` has thrown';
    });
  }

  async #openWithOtherId(): Promise<void> {
    const outcome = await outcomeOf(begin(() => this.#openWith(OTHER_ID, () => {})));
    const error = outcome.ended === 'badly' ? outcome.error : undefined;
    const isRight = error instanceof SluiceError && error.code === 'SLUICE_DAMAGED';
    this.#stage.ledger.check('identity', isRight, () => {
      return `opened for another log: ${error === undefined ? 'no error' : errorText(error)}`;
    });
  }

  #openWith(storeId: string, check: (applied: number) => void): Promise<Opened> {
    return openSegments(this.#stage.adapters, storeId, check);
  }

  async #close(): Promise<void> {
    const { segments } = this.#stage.adapters;
    await this.#stage.ledger.sure('closing', 'close()', () => segments.close());
    this.#isOpen = false;
    this.#runs.drop();
    this.#rounds.drop();
  }

  async #crash(how: 'kill' | 'powerCut'): Promise<void> {
    await promised(this.#place, 'crash')(how);
    this.#isOpen = false;
    this.#isStale = true;
    this.#end = how === 'kill' ? 'killed' : 'power';
    this.#runs.drop();
    this.#rounds.drop();
  }

  async #fail(stored: boolean): Promise<void> {
    await this.#runs.end();
    await this.#rounds.end();
    await this.#stage.apply(this.#stage.put(true));
    await promised(this.#place, 'failWrite')({ stored });
    await this.#rounds.fail();
    this.#end = 'failed';
  }

  async #checkBlocks(isFlushed: boolean): Promise<void> {
    if (!this.#stage.supports.blocks) return;
    const blocks = await promised(this.#place, 'blocks')();
    const [stored, named] = [new Set(blocks.stored), new Set(blocks.named)];
    const lost = [...named].filter((block) => !stored.has(block));
    this.#stage.ledger.same('blocks', 'blocks that count and are gone', [], lost);
    if (!isFlushed) return;
    const left = [...stored].filter((block) => !named.has(block));
    this.#stage.ledger.same('blocks', 'blocks that are left over', [], left);
  }

  /** The operations are a log: whoever applies them elsewhere comes to the same. */
  async #replayElsewhere(): Promise<void> {
    const place = await this.#options.factory();
    const adapters = await place.adapters();
    const other = new SegmentsStage(adapters, this.#options);
    try {
      await other.ledger.sure('pure', 'open()', () => openSegments(adapters, STORE_ID, () => {}));
      for (const [at, intent] of this.#stage.model.intents.entries()) {
        other.perform(at + 1, intent, 'pure');
      }
      await other.compare('pure', this.#stage.model.entries);
    } finally {
      await outcomeOf(begin(() => adapters.segments.close()));
      await place.destroy?.();
    }
  }
}

/** Here the log has nothing more than was loaded: readers see that at once. */
async function openSegments<Op>(
  { segments }: SegmentsAdapters<Op>,
  storeId: string,
  check: (applied: number) => void,
): Promise<Opened> {
  const { signal } = new AbortController();
  const nothing = () => {};
  const own = { onProgress: nothing, onProblem: nothing };
  const opened = await segments.open({ storeId, signal, check, ...own });
  segments.recovered?.();
  return opened;
}
